//! Which addresses are internal: not of the public internet, or of it but answering with
//! secrets of the machine. From the special-purpose registries of IANA (RFC 6890 and after).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is anything but a public one: loopback, link-local, private, shared,
/// metadata, multicast, documentation, reserved, or an IPv6 address that another one is
/// embedded in (mapped, NAT64, 6to4, Teredo).
///
/// ```
/// use leadhand_resource::is_internal;
/// assert!(is_internal("169.254.169.254".parse()?) && is_internal("::ffff:10.0.0.1".parse()?));
/// assert!(!is_internal("1.1.1.1".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn is_internal(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_internal_v4(address),
        IpAddr::V6(address) => is_internal_v6(address),
    }
}

fn is_internal_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        [0 | 10 | 127, ..]
        | [100, 64..=127, ..]
        | [169, 254, ..]
        | [172, 16..=31, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [192, 168, ..]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [224..=255, ..] => true,
        // Azure's WireServer: answers a machine of that cloud with its configuration.
        [168, 63, 129, 16] => true,
        _ => false,
    }
}

/// Only `2000::/3` is handed out to the public, and not all of it.
fn is_internal_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Protocol assignments, among them Teredo, benchmarking and ORCHID.
        [0x2001, 0..=0x01ff, ..] => true,
        // Documentation.
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => true,
        // 6to4.
        [0x2002, ..] => true,
        [first, ..] => !(0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_not_internal() {
        for (address, internal) in [
            ("0.0.0.0", true),
            ("10.1.2.3", true),
            ("100.100.100.200", true),
            ("127.8.8.8", true),
            ("168.63.129.16", true),
            ("169.254.169.254", true),
            ("172.31.255.255", true),
            ("172.32.0.0", false),
            ("192.0.0.192", true),
            ("192.168.0.1", true),
            ("198.19.0.1", true),
            ("224.0.0.1", true),
            ("255.255.255.255", true),
            ("8.8.8.8", false),
            ("128.0.0.1", false),
            ("::", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("::ffff:8.8.8.8", false),
            ("::127.0.0.1", true),
            ("64:ff9b::7f00:1", true),
            ("64:ff9b:1::1", true),
            ("100::1", true),
            ("2001::1", true),
            ("2001:db8::1", true),
            ("2002:7f00:1::", true),
            ("fc00::1", true),
            ("fd00:ec2::254", true),
            ("fe80::1", true),
            ("fec0::1", true),
            ("ff02::1", true),
            ("2606:4700:4700::1111", false),
            ("2a00:1450:4001::1", false),
        ] {
            let parsed = address.parse().expect("it is an address");
            assert_eq!(is_internal(parsed), internal, "{address}");
        }
    }
}
