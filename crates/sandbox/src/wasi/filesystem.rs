//! `wasi:filesystem`: every path is looked up from the root of the workspace each time it is
//! used, under the grants of the call; what is then done to one name of one open folder, or to
//! an open file, is wasmtime's.
//!
//! Longer than most: it is one trait.

use super::lookup::{Need, Opened, Wish, Written, parse};
use super::streams::{CountedInput, CountedOutput};
use super::{Node, WasiState};
use crate::chance::CallClock;
use crate::files::FileAccess;
use crate::meter::OpenFile;
use crate::state::CallState;
use crate::workspace::{LastLink, Place};
use cap_std::fs::MetadataExt;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use types::{ErrorCode, Filesize, HostDescriptor, PathFlags};
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::{Descriptor, Dir, File, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};
use wasmtime_wasi::{FsPerms, OpenMode};

/// The entries of a folder, as they were when it was read.
struct Listing {
    entries: VecDeque<types::DirectoryEntry>,
    _open: OpenFile,
}

type Handle = Resource<Descriptor>;

impl WasiState {
    /// wasmtime's own implementation, over the same handles.
    fn theirs(&mut self) -> WasiFilesystemCtxView<'_> {
        WasiFilesystemCtxView {
            ctx: self.ctx.filesystem(),
            table: &mut self.table,
        }
    }

    fn node(&self, handle: &Handle) -> FsResult<&Node> {
        let gone = || FsError::trap(wasmtime::Error::msg("a handle that was never given"));
        self.nodes.get(&handle.rep()).ok_or_else(gone)
    }

    fn add(&mut self, opened: Opened, open: OpenFile) -> FsResult<Handle> {
        let permissions = match opened.writable {
            true => FsPerms::ReadWrite,
            false => FsPerms::ReadOnly,
        };
        let descriptor = match opened.is_folder {
            true => Descriptor::Dir(Dir::new(opened.file, permissions, opened.mode, false)),
            false => Descriptor::File(File::new(opened.file, permissions, opened.mode, false)),
        };
        let handle = self.table.push(descriptor)?;
        let node = Node {
            path: opened.path,
            readable: opened.readable,
            _open: Arc::new(open),
        };
        self.nodes.insert(handle.rep(), node);
        Ok(handle)
    }

    /// The folder of a place, as a handle for one operation of wasmtime's.
    fn lend(&mut self, place: Place) -> FsResult<(Handle, String)> {
        let folder = place.folder.into_std_file();
        let mode = OpenMode::READ | OpenMode::WRITE;
        let dir = Dir::new(folder, FsPerms::ReadWrite, mode, false);
        Ok((self.table.push(Descriptor::Dir(dir))?, place.name))
    }

    fn take_back(&mut self, handle: Handle) -> FsResult<()> {
        self.table.delete(handle)?;
        Ok(())
    }

    /// Handles follow what they are open on when this call moves it.
    fn moved(&mut self, from: &str, to: &str) {
        for node in self.nodes.values_mut() {
            let below = node.path.strip_prefix(from);
            let below = below.filter(|rest| rest.is_empty() || rest.starts_with('/'));
            if let Some(rest) = below {
                node.path = format!("{to}{rest}");
            }
        }
    }
}

fn followed(flags: PathFlags) -> LastLink {
    match flags.contains(PathFlags::SYMLINK_FOLLOW) {
        true => LastLink::Follow,
        false => LastLink::Keep,
    }
}

impl CallState {
    /// The call's files; a program that was given none has no handle to ask with.
    fn wasi_files(&self) -> FsResult<Arc<FileAccess>> {
        self.files
            .as_ref()
            .map(Arc::clone)
            .ok_or_else(|| ErrorCode::NotPermitted.into())
    }

    fn open_file(&self) -> FsResult<OpenFile> {
        self.meter
            .ledger
            .open_file()
            .ok_or_else(|| ErrorCode::Quota.into())
    }

    /// Does something to files on a thread that may wait.
    async fn apart<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&FileAccess) -> Result<T, ErrorCode> + Send + 'static,
    ) -> FsResult<T> {
        let files = self.wasi_files()?;
        let done = tokio::task::spawn_blocking(move || work(&files)).await;
        Ok(done.map_err(|error| FsError::trap(wasmtime::Error::from(error)))??)
    }

    /// Counts the call and finds the place that a path below an open folder means.
    async fn place(
        &mut self,
        folder: &Handle,
        path: String,
        last: LastLink,
        need: Need,
        fits: fn(&Place, &Written<'_>) -> Result<(), ErrorCode>,
    ) -> FsResult<Place> {
        self.count()?;
        let folder = self.folder(folder)?;
        self.apart(move |files| {
            let path = parse(&path)?;
            // As everywhere, a `/` behind the name of a link asks for what it points at.
            let last = match path.names_folder && need == Need::Look {
                true => LastLink::Follow,
                false => last,
            };
            let place = files.place(&folder, &path, last, need)?;
            fits(&place, &path)?;
            Ok(place)
        })
        .await
    }

    /// The path of a handle that must be a folder.
    fn folder(&mut self, handle: &Handle) -> FsResult<String> {
        let wasi = self.wasi();
        match wasi.table.get(handle)? {
            Descriptor::Dir(_) => Ok(wasi.node(handle)?.path.clone()),
            Descriptor::File(_) => Err(ErrorCode::NotDirectory.into()),
        }
    }

    fn count(&mut self) -> FsResult<()> {
        self.meter.host_call().map_err(FsError::trap)
    }

    /// Times of files tell the time of day, which is for those who have a grant of it.
    fn without_times(&self, mut stat: types::DescriptorStat) -> types::DescriptorStat {
        if matches!(*self.clock, CallClock::Virtual { .. }) {
            stat.data_access_timestamp = None;
            stat.data_modification_timestamp = None;
            stat.status_change_timestamp = None;
        }
        stat
    }

    /// How many bytes a change that ends at `end` makes a file longer.
    fn growth(&mut self, handle: &Handle, end: u64) -> FsResult<u64> {
        match self.wasi().table.get(handle)? {
            Descriptor::File(file) => Ok(end.saturating_sub(file.file.metadata()?.len())),
            Descriptor::Dir(_) => Err(ErrorCode::BadDescriptor.into()),
        }
    }

    fn touched(&mut self, handle: &Handle) -> FsResult<()> {
        let path = self.wasi().node(handle)?.path.clone();
        self.wasi_files()?.changes().touched(&path, true);
        Ok(())
    }
}

/// Any last name will do.
fn any(_: &Place, _: &Written<'_>) -> Result<(), ErrorCode> {
    Ok(())
}

/// What is named with a `/` behind it is a folder.
fn folder_if_named_so(place: &Place, path: &Written<'_>) -> Result<(), ErrorCode> {
    let is_folder = || {
        place
            .folder
            .symlink_metadata(&place.name)
            .map(|found| found.is_dir())
    };
    if path.names_folder && !is_folder()? {
        return Err(ErrorCode::NotDirectory);
    }
    Ok(())
}

/// What will be made here is no folder, so it is not named as one.
fn new_file(place: &Place, path: &Written<'_>) -> Result<(), ErrorCode> {
    if !path.names_folder {
        return Ok(());
    }
    match place.folder.symlink_metadata(&place.name) {
        Ok(_) => Err(ErrorCode::Exist),
        Err(error) => Err(error.into()),
    }
}

impl preopens::Host for CallState {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Handle, String)>> {
        self.meter.host_call()?;
        let Some(files) = self.files.as_ref().map(Arc::clone) else {
            return Ok(Vec::new());
        };
        let mut opened = Vec::new();
        for name in self.wasi().folders.clone() {
            let wish = Wish {
                last: LastLink::Keep,
                how: types::OpenFlags::DIRECTORY,
                rights: types::DescriptorFlags::READ | types::DescriptorFlags::MUTATE_DIRECTORY,
            };
            let root = parse(".").and_then(|root| files.open(".", &root, wish));
            // Without a grant there is no folder to open, and nothing is said about it.
            let (Ok(root), Some(open)) = (root, self.meter.ledger.open_file()) else {
                break;
            };
            let handle = self.wasi().add(root, open);
            opened.push((
                handle.map_err(|error| wasmtime::Error::msg(error.to_string()))?,
                name,
            ));
        }
        Ok(opened)
    }
}

impl types::Host for CallState {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.meter.host_call()?;
        let error = self.wasi().table.get(&error)?.downcast_ref::<io::Error>();
        Ok(error.map(|error| match error.kind() {
            io::ErrorKind::QuotaExceeded => ErrorCode::Quota,
            _ => ErrorCode::from(error),
        }))
    }
}

impl types::HostDirectoryEntryStream for CallState {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<types::DirectoryEntryStream>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        self.count()?;
        let listing = Resource::<Listing>::new_borrow(stream.rep());
        Ok(self.wasi().table.get_mut(&listing)?.entries.pop_front())
    }

    fn drop(&mut self, stream: Resource<types::DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        self.wasi()
            .table
            .delete(Resource::<Listing>::new_own(stream.rep()))?;
        Ok(())
    }
}

impl HostDescriptor for CallState {
    async fn open_at(
        &mut self,
        handle: Handle,
        path_flags: PathFlags,
        path: String,
        how: types::OpenFlags,
        rights: types::DescriptorFlags,
    ) -> FsResult<Handle> {
        self.count()?;
        let folder = self.folder(&handle)?;
        let open = self.open_file()?;
        let wish = Wish {
            last: followed(path_flags),
            how,
            rights,
        };
        let opened = self
            .apart(move |files| files.open(&folder, &parse(&path)?, wish))
            .await?;
        self.wasi().add(opened, open)
    }

    fn drop(&mut self, handle: Handle) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        let wasi = self.wasi();
        wasi.nodes.remove(&handle.rep());
        wasi.table.delete(handle)?;
        Ok(())
    }

    async fn read(
        &mut self,
        handle: Handle,
        length: Filesize,
        offset: Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        self.count()?;
        if !self.wasi().node(&handle)?.readable {
            return Err(ErrorCode::NotPermitted.into());
        }
        let left = self.meter.ledger.bytes_readable();
        if left == 0 && length > 0 {
            return Err(ErrorCode::Quota.into());
        }
        let length = length.min(left);
        let read = self.wasi().theirs().read(handle, length, offset).await?;
        self.meter.ledger.read(read.0.len() as u64);
        Ok(read)
    }

    async fn write(
        &mut self,
        handle: Handle,
        content: Vec<u8>,
        offset: Filesize,
    ) -> FsResult<Filesize> {
        self.count()?;
        let length = content.len() as u64;
        let gap = self.growth(&handle, offset)?;
        if !self.meter.ledger.write(gap.saturating_add(length)) {
            return Err(ErrorCode::Quota.into());
        }
        let lent = Resource::new_borrow(handle.rep());
        let written = self.wasi().theirs().write(lent, content, offset).await?;
        self.touched(&handle)?;
        Ok(written)
    }

    fn read_via_stream(
        &mut self,
        handle: Handle,
        offset: Filesize,
    ) -> FsResult<Resource<DynInputStream>> {
        self.count()?;
        let ledger = Arc::clone(&self.meter.ledger);
        let wasi = self.wasi();
        let node = wasi.node(&handle)?.clone();
        let inner = wasi.theirs().read_via_stream(handle, offset)?;
        if !node.readable {
            wasi.table.delete(inner)?;
            return Err(ErrorCode::NotPermitted.into());
        }
        let counted: DynInputStream = Box::new(CountedInput {
            inner: wasi.table.delete(inner)?,
            ledger,
            _node: node,
        });
        Ok(wasi.table.push(counted)?)
    }

    fn write_via_stream(
        &mut self,
        handle: Handle,
        offset: Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        self.count()?;
        let gap = self.growth(&handle, offset)?;
        if !self.meter.ledger.write(gap) {
            return Err(ErrorCode::Quota.into());
        }
        let lent = Resource::new_borrow(handle.rep());
        let inner = self.wasi().theirs().write_via_stream(lent, offset)?;
        self.counted_output(&handle, inner)
    }

    fn append_via_stream(&mut self, handle: Handle) -> FsResult<Resource<DynOutputStream>> {
        self.count()?;
        let lent = Resource::new_borrow(handle.rep());
        let inner = self.wasi().theirs().append_via_stream(lent)?;
        self.counted_output(&handle, inner)
    }

    async fn set_size(&mut self, handle: Handle, size: Filesize) -> FsResult<()> {
        self.count()?;
        let growth = self.growth(&handle, size)?;
        if !self.meter.ledger.write(growth) {
            return Err(ErrorCode::Quota.into());
        }
        let lent = Resource::new_borrow(handle.rep());
        self.wasi().theirs().set_size(lent, size).await?;
        self.touched(&handle)
    }

    async fn read_directory(
        &mut self,
        handle: Handle,
    ) -> FsResult<Resource<types::DirectoryEntryStream>> {
        self.count()?;
        let folder = self.folder(&handle)?;
        let open = self.open_file()?;
        let entries_max = self.meter.folder_entries_listable();
        let (entries, seen) = self
            .apart(move |files| files.entries(&folder, entries_max))
            .await?;
        self.meter.folder_entries += seen;
        let listing = Listing {
            entries,
            _open: open,
        };
        let listing = self.wasi().table.push(listing)?;
        Ok(Resource::new_own(listing.rep()))
    }

    async fn create_directory_at(&mut self, handle: Handle, path: String) -> FsResult<()> {
        let place = self
            .place(&handle, path, LastLink::Keep, Need::CreateFolder, any)
            .await?;
        let wasi = self.wasi();
        let (lent, name) = wasi.lend(place)?;
        let borrowed = Resource::new_borrow(lent.rep());
        let done = wasi.theirs().create_directory_at(borrowed, name).await;
        wasi.take_back(lent)?;
        done
    }

    async fn stat_at(
        &mut self,
        handle: Handle,
        flags: PathFlags,
        path: String,
    ) -> FsResult<types::DescriptorStat> {
        let place = self
            .place(
                &handle,
                path,
                followed(flags),
                Need::Look,
                folder_if_named_so,
            )
            .await?;
        let wasi = self.wasi();
        let (lent, name) = wasi.lend(place)?;
        let borrowed = Resource::new_borrow(lent.rep());
        let stat = wasi
            .theirs()
            .stat_at(borrowed, PathFlags::empty(), name)
            .await;
        wasi.take_back(lent)?;
        stat.map(|stat| self.without_times(stat))
    }

    async fn metadata_hash_at(
        &mut self,
        handle: Handle,
        flags: PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        let place = self
            .place(
                &handle,
                path,
                followed(flags),
                Need::Look,
                folder_if_named_so,
            )
            .await?;
        let wasi = self.wasi();
        let (lent, name) = wasi.lend(place)?;
        let borrowed = Resource::new_borrow(lent.rep());
        let hash = wasi
            .theirs()
            .metadata_hash_at(borrowed, PathFlags::empty(), name)
            .await;
        wasi.take_back(lent)?;
        hash
    }

    async fn set_times_at(
        &mut self,
        handle: Handle,
        flags: PathFlags,
        path: String,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        let place = self
            .place(
                &handle,
                path,
                followed(flags),
                Need::Change,
                folder_if_named_so,
            )
            .await?;
        let wasi = self.wasi();
        let (lent, name) = wasi.lend(place)?;
        let borrowed = Resource::new_borrow(lent.rep());
        let done = wasi
            .theirs()
            .set_times_at(borrowed, PathFlags::empty(), name, accessed, modified)
            .await;
        wasi.take_back(lent)?;
        done
    }

    async fn readlink_at(&mut self, handle: Handle, path: String) -> FsResult<String> {
        let place = self
            .place(
                &handle,
                path,
                LastLink::Keep,
                Need::Read,
                folder_if_named_so,
            )
            .await?;
        let wasi = self.wasi();
        let (lent, name) = wasi.lend(place)?;
        let borrowed = Resource::new_borrow(lent.rep());
        let target = wasi.theirs().readlink_at(borrowed, name).await;
        wasi.take_back(lent)?;
        target
    }

    async fn symlink_at(&mut self, handle: Handle, target: String, path: String) -> FsResult<()> {
        let place = self
            .place(&handle, path, LastLink::Keep, Need::Change, new_file)
            .await?;
        FileAccess::may_point(&target)?;
        let files = self.wasi_files()?;
        let wasi = self.wasi();
        let made = place.path.clone();
        let (lent, name) = wasi.lend(place)?;
        let borrowed = Resource::new_borrow(lent.rep());
        let done = wasi.theirs().symlink_at(borrowed, target, name).await;
        wasi.take_back(lent)?;
        done?;
        files.changes().touched(&made, false);
        Ok(())
    }

    async fn link_at(
        &mut self,
        handle: Handle,
        flags: PathFlags,
        path: String,
        new_handle: Handle,
        new_path: String,
    ) -> FsResult<()> {
        if flags.contains(PathFlags::SYMLINK_FOLLOW) {
            return Err(ErrorCode::Invalid.into());
        }
        let old = self
            .place(
                &handle,
                path,
                LastLink::Keep,
                Need::Link,
                folder_if_named_so,
            )
            .await?;
        let new = self
            .place(&new_handle, new_path, LastLink::Keep, Need::Link, new_file)
            .await?;
        let found = old.folder.symlink_metadata(&old.name)?;
        let files = self.wasi_files()?;
        let wasi = self.wasi();
        let made = new.path.clone();
        let (old, old_name) = wasi.lend(old)?;
        let (new, new_name) = wasi.lend(new)?;
        let (from, to) = (
            Resource::new_borrow(old.rep()),
            Resource::new_borrow(new.rep()),
        );
        let done = wasi
            .theirs()
            .link_at(from, PathFlags::empty(), old_name, to, new_name)
            .await;
        wasi.take_back(old)?;
        wasi.take_back(new)?;
        done?;
        let mut changes = files.changes();
        changes.linked.insert((found.dev(), found.ino()));
        changes.touched(&made, false);
        Ok(())
    }

    async fn rename_at(
        &mut self,
        handle: Handle,
        path: String,
        new_handle: Handle,
        new_path: String,
    ) -> FsResult<()> {
        let names_folder = new_path.ends_with('/');
        let from = self
            .place(
                &handle,
                path,
                LastLink::Keep,
                Need::Change,
                folder_if_named_so,
            )
            .await?;
        let to = self
            .place(&new_handle, new_path, LastLink::Keep, Need::Change, any)
            .await?;
        let files = self.wasi_files()?;
        let is_folder = files.may_move(&from, &to)?;
        if names_folder && !is_folder {
            return Err(ErrorCode::NotDirectory.into());
        }
        let existed = to.folder.symlink_metadata(&to.name).is_ok();
        let (from_path, to_path) = (from.path.clone(), to.path.clone());
        files.changes().writes_pending += 1;
        let wasi = self.wasi();
        let (old, name) = wasi.lend(from)?;
        let (new, new_name) = wasi.lend(to)?;
        let (from, to) = (
            Resource::new_borrow(old.rep()),
            Resource::new_borrow(new.rep()),
        );
        let done = wasi.theirs().rename_at(from, name, to, new_name).await;
        wasi.take_back(old)?;
        wasi.take_back(new)?;
        files.changes().writes_pending -= 1;
        done?;
        if from_path != to_path {
            wasi.moved(&from_path, &to_path);
            let mut changes = files.changes();
            changes.moved(&from_path, &to_path);
            match is_folder {
                true => changes.wrote(to_path, existed, None, 0),
                false => changes.touched(&to_path, existed),
            }
        }
        Ok(())
    }

    async fn remove_directory_at(&mut self, handle: Handle, path: String) -> FsResult<()> {
        let place = self
            .place(&handle, path, LastLink::Keep, Need::Change, any)
            .await?;
        let wasi = self.wasi();
        let (lent, name) = wasi.lend(place)?;
        let borrowed = Resource::new_borrow(lent.rep());
        let done = wasi.theirs().remove_directory_at(borrowed, name).await;
        wasi.take_back(lent)?;
        done
    }

    async fn unlink_file_at(&mut self, handle: Handle, path: String) -> FsResult<()> {
        let place = self
            .place(
                &handle,
                path,
                LastLink::Keep,
                Need::Change,
                folder_if_named_so,
            )
            .await?;
        let files = self.wasi_files()?;
        let gone = place.path.clone();
        files.changes().writes_pending += 1;
        let wasi = self.wasi();
        let (lent, name) = wasi.lend(place)?;
        let borrowed = Resource::new_borrow(lent.rep());
        let done = wasi.theirs().unlink_file_at(borrowed, name).await;
        wasi.take_back(lent)?;
        files.changes().writes_pending -= 1;
        done?;
        files.changes().removed(gone);
        Ok(())
    }

    async fn advise(
        &mut self,
        handle: Handle,
        offset: Filesize,
        length: Filesize,
        advice: types::Advice,
    ) -> FsResult<()> {
        self.count()?;
        let wasi = self.wasi();
        wasi.theirs().advise(handle, offset, length, advice).await
    }

    async fn sync_data(&mut self, handle: Handle) -> FsResult<()> {
        self.count()?;
        self.wasi().theirs().sync_data(handle).await
    }

    async fn sync(&mut self, handle: Handle) -> FsResult<()> {
        self.count()?;
        self.wasi().theirs().sync(handle).await
    }

    async fn get_flags(&mut self, handle: Handle) -> FsResult<types::DescriptorFlags> {
        self.count()?;
        self.wasi().theirs().get_flags(handle).await
    }

    async fn get_type(&mut self, handle: Handle) -> FsResult<types::DescriptorType> {
        self.count()?;
        self.wasi().theirs().get_type(handle).await
    }

    async fn set_times(
        &mut self,
        handle: Handle,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        self.count()?;
        let wasi = self.wasi();
        wasi.theirs().set_times(handle, accessed, modified).await
    }

    async fn stat(&mut self, handle: Handle) -> FsResult<types::DescriptorStat> {
        self.count()?;
        let stat = self.wasi().theirs().stat(handle).await?;
        Ok(self.without_times(stat))
    }

    async fn is_same_object(&mut self, one: Handle, other: Handle) -> wasmtime::Result<bool> {
        self.meter.host_call()?;
        self.wasi().theirs().is_same_object(one, other).await
    }

    async fn metadata_hash(&mut self, handle: Handle) -> FsResult<types::MetadataHashValue> {
        self.count()?;
        self.wasi().theirs().metadata_hash(handle).await
    }
}

impl CallState {
    fn counted_output(
        &mut self,
        handle: &Handle,
        inner: Resource<DynOutputStream>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let (files, ledger) = (self.wasi_files()?, Arc::clone(&self.meter.ledger));
        let wasi = self.wasi();
        let counted: DynOutputStream = Box::new(CountedOutput {
            inner: wasi.table.delete(inner)?,
            ledger,
            files,
            node: wasi.node(handle)?.clone(),
        });
        Ok(wasi.table.push(counted)?)
    }
}
