//! A program of WASI that does one thing to files, written as text: called with a letter, a path
//! and perhaps a second one, it prints the error number of WASI 0.1 as one byte, and what it read.

use crate::room::{Room, standard};
use leadhand_protocol::ToolFaultKind;
use leadhand_sandbox::{Command, CommandOutput};
use std::sync::OnceLock;
use wasi_preview1_component_adapter_provider as adapters;
use wit_component::ComponentEncoder;

/// Error numbers of WASI 0.1, as far as they are looked for.
pub(crate) const OK: u8 = 0;
pub(crate) const QUOTA: u8 = 19;
pub(crate) const EXIST: u8 = 20;
pub(crate) const LOOP: u8 = 32;
pub(crate) const NOENT: u8 = 44;
pub(crate) const NOT_PERMITTED: u8 = 63;

/// `r` reads and `w` writes the second argument; `a` opens for changing only; `l` lists, `u`
/// unlinks, `d` makes and `D` removes a folder, `s` links symbolically to the second argument,
/// `h` gives a second name, `m` moves, `k` reads a link, `t` asks for metadata, `T` truncates.
const PROBE: &str = r#"(module
    (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open" (func $open
        (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_readdir"
        (func $list (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_unlink_file"
        (func $unlink (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_create_directory"
        (func $mkdir (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_remove_directory"
        (func $rmdir (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_symlink"
        (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_link"
        (func $link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_rename"
        (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_readlink"
        (func $readlink (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_filestat_get"
        (func $stat (param i32 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 4)
    (func $argument (param i32) (result i32)
        (i32.load (i32.mul (local.get 0) (i32.const 4))))
    ;; Up to the next argument, without the 0 between: a path may hold one itself.
    (func $length (param i32) (result i32)
        (i32.sub (i32.sub (call $argument (i32.add (local.get 0) (i32.const 1)))
            (call $argument (local.get 0))) (i32.const 1)))
    (func $opened (param $flags i32) (param $rights i64) (result i32)
        (call $open (i32.const 3) (i32.const 1) (call $argument (i32.const 1))
            (call $length (i32.const 1)) (local.get $flags) (local.get $rights)
            (i64.const 0) (i32.const 0) (i32.const 200)))
    (func $vector (param i32 i32)
        (i32.store (i32.const 208) (local.get 0)) (i32.store (i32.const 212) (local.get 1)))
    (func $say (param i32 i32)
        (call $vector (local.get 0) (local.get 1))
        (drop (call $write (i32.const 1) (i32.const 208) (i32.const 1) (i32.const 220))))
    (func (export "_start")
        (local $op i32) (local $error i32) (local $got i32)
        (drop (call $args (i32.const 0) (i32.const 1024)))
        (local.set $op (i32.load8_u (call $argument (i32.const 0))))
        (if (i32.eq (local.get $op) (i32.const 0x72)) (then
            (local.set $error (call $opened (i32.const 0) (i64.const 2)))
            (if (i32.eqz (local.get $error)) (then
                (call $vector (i32.const 65537) (i32.const 65000))
                (local.set $error (call $read (i32.load (i32.const 200)) (i32.const 208)
                    (i32.const 1) (i32.const 220)))
                (local.set $got (i32.load (i32.const 220)))))))
        (if (i32.eq (local.get $op) (i32.const 0x77)) (then
            (local.set $error (call $opened (i32.const 9) (i64.const 64)))
            (if (i32.eqz (local.get $error)) (then
                (call $vector (call $argument (i32.const 2)) (call $length (i32.const 2)))
                (local.set $error (call $write (i32.load (i32.const 200)) (i32.const 208)
                    (i32.const 1) (i32.const 220)))))))
        (if (i32.eq (local.get $op) (i32.const 0x61)) (then
            (local.set $error (call $opened (i32.const 0) (i64.const 64)))))
        (if (i32.eq (local.get $op) (i32.const 0x54)) (then
            (local.set $error (call $opened (i32.const 8) (i64.const 64)))))
        (if (i32.eq (local.get $op) (i32.const 0x6c)) (then
            (local.set $error (call $opened (i32.const 2) (i64.const 16384)))
            (if (i32.eqz (local.get $error)) (then
                (local.set $error (call $list (i32.load (i32.const 200)) (i32.const 65537)
                    (i32.const 65000) (i64.const 0) (i32.const 220)))
                (local.set $got (i32.load (i32.const 220)))))))
        (if (i32.eq (local.get $op) (i32.const 0x75)) (then
            (local.set $error (call $unlink (i32.const 3)
                (call $argument (i32.const 1)) (call $length (i32.const 1))))))
        (if (i32.eq (local.get $op) (i32.const 0x64)) (then
            (local.set $error (call $mkdir (i32.const 3)
                (call $argument (i32.const 1)) (call $length (i32.const 1))))))
        (if (i32.eq (local.get $op) (i32.const 0x44)) (then
            (local.set $error (call $rmdir (i32.const 3)
                (call $argument (i32.const 1)) (call $length (i32.const 1))))))
        (if (i32.eq (local.get $op) (i32.const 0x73)) (then
            (local.set $error (call $symlink
                (call $argument (i32.const 2)) (call $length (i32.const 2))
                (i32.const 3) (call $argument (i32.const 1)) (call $length (i32.const 1))))))
        (if (i32.eq (local.get $op) (i32.const 0x68)) (then
            (local.set $error (call $link (i32.const 3) (i32.const 0)
                (call $argument (i32.const 1)) (call $length (i32.const 1))
                (i32.const 3) (call $argument (i32.const 2)) (call $length (i32.const 2))))))
        (if (i32.eq (local.get $op) (i32.const 0x6d)) (then
            (local.set $error (call $rename
                (i32.const 3) (call $argument (i32.const 1)) (call $length (i32.const 1))
                (i32.const 3) (call $argument (i32.const 2)) (call $length (i32.const 2))))))
        (if (i32.eq (local.get $op) (i32.const 0x6b)) (then
            (local.set $error (call $readlink (i32.const 3)
                (call $argument (i32.const 1)) (call $length (i32.const 1))
                (i32.const 65537) (i32.const 65000) (i32.const 220)))
            (local.set $got (i32.load (i32.const 220)))))
        (if (i32.eq (local.get $op) (i32.const 0x74)) (then
            (local.set $error (call $stat (i32.const 3) (i32.const 1)
                (call $argument (i32.const 1)) (call $length (i32.const 1)) (i32.const 65600)))))
        (i32.store8 (i32.const 65536) (local.get $error))
        (if (local.get $error) (then (local.set $got (i32.const 0))))
        (call $say (i32.const 65536) (i32.add (i32.const 1) (local.get $got)))))"#;

/// Makes a command component of a module that imports WASI 0.1.
pub(crate) fn command(module: &str) -> Vec<u8> {
    ComponentEncoder::default()
        .module(&wat::parse_str(module).unwrap())
        .unwrap()
        .adapter(
            adapters::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
            adapters::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        )
        .unwrap()
        .encode()
        .unwrap()
}

pub(crate) fn probe_component() -> &'static [u8] {
    static PROBE_COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    PROBE_COMPONENT.get_or_init(|| command(PROBE))
}

impl Room {
    /// Runs a program of WASI and waits for it.
    pub(crate) fn run(
        &self,
        component: &[u8],
        arguments: &[&str],
    ) -> Result<CommandOutput, (ToolFaultKind, String)> {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        let command = Command {
            name: "program",
            component,
            arguments: &arguments,
            environment: &[],
            folders: &["/"],
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let ran = runtime.block_on(standard().run_command(&command, &self.context()));
        runtime.shutdown_background();
        ran.map_err(|fault| (fault.kind, fault.message))
    }

    /// The error number and what was read.
    #[track_caller]
    pub(crate) fn probe(&self, operation: &str, path: &str, second: &str) -> (u8, Vec<u8>) {
        let given = self.run(probe_component(), &[operation, path, second, ""]);
        let mut output = given.unwrap().stdout;
        let error = output.remove(0);
        (error, output)
    }

    /// Probes and compares the error number.
    #[track_caller]
    pub(crate) fn check_probe(&self, operation: &str, path: &str, second: &str, expected: u8) {
        let (error, _) = self.probe(operation, path, second);
        assert_eq!(error, expected, "{operation} {path:?} {second:?}");
    }
}
