//! What an address is: one of the public internet, or one that only this machine, its own
//! network or nobody can reach. Ranges are those of the IANA registries of special-purpose
//! addresses for IPv4 and IPv6 (RFC 6890 and what came after it), each with its document.
//! An IPv6 address that carries an IPv4 address is judged by that one too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anybody on the internet.
    Public,
    /// Not the internet; the name of the range it lies in.
    Internal(&'static str),
}

/// Ranges of IPv4 that are not public: first address, length of the prefix, name.
const INTERNAL_V4: [(Ipv4Addr, u32, &str); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this network, RFC 791"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private, RFC 1918"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared, RFC 6598"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback, RFC 1122"),
    // The platform of Azure answers here, to virtual machines only.
    (Ipv4Addr::new(168, 63, 129, 16), 32, "metadata of a cloud"),
    // Most clouds answer at 169.254.169.254.
    (
        Ipv4Addr::new(169, 254, 0, 0),
        16,
        "link-local and metadata, RFC 3927",
    ),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private, RFC 1918"),
    // Oracle's cloud answers at 192.0.0.192.
    (
        Ipv4Addr::new(192, 0, 0, 0),
        24,
        "protocol assignments, RFC 6890",
    ),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "documentation, RFC 5737"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "6to4 relay, RFC 7526"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private, RFC 1918"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarking, RFC 2544"),
    (
        Ipv4Addr::new(198, 51, 100, 0),
        24,
        "documentation, RFC 5737",
    ),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "documentation, RFC 5737"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast, RFC 5771"),
    (Ipv4Addr::BROADCAST, 32, "broadcast, RFC 919"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved, RFC 1112"),
];

/// Ranges within the global unicast space of IPv6, `2000::/3`, that are not public. Whatever
/// lies outside of that space is not public either.
const INTERNAL_V6: [(Ipv6Addr, u32, &str); 3] = [
    (
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0),
        23,
        "protocol assignments, RFC 2928",
    ),
    (
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
        32,
        "documentation, RFC 3849",
    ),
    (
        Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0),
        20,
        "documentation, RFC 9637",
    ),
];

/// Ranges outside of the global unicast space that have a name of their own.
const OUTSIDE_V6: [(Ipv6Addr, u32, &str); 9] = [
    (Ipv6Addr::UNSPECIFIED, 128, "unspecified, RFC 4291"),
    (Ipv6Addr::LOCALHOST, 128, "loopback, RFC 4291"),
    (
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0),
        48,
        "local translation, RFC 8215",
    ),
    (
        Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0),
        16,
        "discard, RFC 6666",
    ),
    (
        Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0),
        16,
        "segment routing, RFC 9602",
    ),
    // fd00:ec2::254 is the metadata address of Amazon's cloud.
    (
        Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0),
        7,
        "unique local, RFC 4193",
    ),
    (
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0),
        10,
        "link-local, RFC 4291",
    ),
    (
        Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0),
        10,
        "site-local, RFC 3879",
    ),
    (
        Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0),
        8,
        "multicast, RFC 4291",
    ),
];

/// How far an address reaches.
pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let bits = address.to_bits();
    INTERNAL_V4
        .iter()
        .find(|(first, length, _)| (bits ^ first.to_bits()) >> (32 - length) == 0)
        .map_or(Reach::Public, |(_, _, name)| Reach::Internal(name))
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if let Some(carried) = carried(address) {
        return carried
            .into_iter()
            .map(reach_v4)
            .find(|reach| *reach != Reach::Public)
            .unwrap_or(Reach::Public);
    }
    let bits = address.to_bits();
    let named = |ranges: &[(Ipv6Addr, u32, &'static str)]| {
        ranges
            .iter()
            .find(|(first, length, _)| (bits ^ first.to_bits()) >> (128 - length) == 0)
            .map(|(_, _, name)| Reach::Internal(name))
    };
    if bits >> 125 == 1 {
        named(&INTERNAL_V6).unwrap_or_else(|| behind_isatap(address))
    } else {
        named(&OUTSIDE_V6).unwrap_or(Reach::Internal("not assigned, RFC 4291"))
    }
}

/// An interface of the form of ISATAP, RFC 5214, in a public network: a router there hands on to
/// the IPv4 address in its last half.
fn behind_isatap(address: Ipv6Addr) -> Reach {
    match address.segments() {
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => reach_v4(joined(high, low)),
        _ => Reach::Public,
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

/// The IPv4 addresses that an IPv6 address leads to, when it is of a form that carries some.
fn carried(address: Ipv6Addr) -> Option<Vec<Ipv4Addr>> {
    match address.segments() {
        // `::` and `::1` have names of their own; the rest is the old compatible form, RFC 4291.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 || low > 1 => Some(vec![joined(high, low)]),
        // Mapped, RFC 4291, and its translated cousin, RFC 2765.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => {
            Some(vec![joined(high, low)])
        }
        // NAT64, RFC 6052.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(vec![joined(high, low)]),
        // Teredo, RFC 4380: a server, and a client with all bits turned over.
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            Some(vec![joined(high, low), joined(!client_high, !client_low)])
        }
        // 6to4, RFC 3056.
        [0x2002, high, low, ..] => Some(vec![joined(high, low)]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: Option<&str>) {
        let found = match reach(address.parse().unwrap()) {
            Reach::Public => None,
            Reach::Internal(name) => Some(name),
        };
        assert_eq!(found, expected, "{address}");
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for address in [
            "1.1.1.1",
            "93.184.216.34",
            "128.0.0.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "2001:200::1",
            "2620:4f:8000::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2001:0:808:808::f7f7:f7f7",
        ] {
            check(address, None);
        }
    }

    #[test]
    fn everything_else_is_internal_and_named() {
        for (address, range) in [
            ("0.0.0.0", "this network, RFC 791"),
            ("0.1.2.3", "this network, RFC 791"),
            ("10.255.255.255", "private, RFC 1918"),
            ("100.64.0.1", "shared, RFC 6598"),
            ("100.100.100.200", "shared, RFC 6598"),
            ("127.0.0.1", "loopback, RFC 1122"),
            ("127.255.255.254", "loopback, RFC 1122"),
            ("168.63.129.16", "metadata of a cloud"),
            ("169.254.169.254", "link-local and metadata, RFC 3927"),
            ("172.31.255.255", "private, RFC 1918"),
            ("192.0.0.192", "protocol assignments, RFC 6890"),
            ("192.0.2.1", "documentation, RFC 5737"),
            ("192.88.99.1", "6to4 relay, RFC 7526"),
            ("192.168.0.1", "private, RFC 1918"),
            ("198.19.255.255", "benchmarking, RFC 2544"),
            ("198.51.100.1", "documentation, RFC 5737"),
            ("203.0.113.1", "documentation, RFC 5737"),
            ("224.0.0.1", "multicast, RFC 5771"),
            ("239.255.255.255", "multicast, RFC 5771"),
            ("240.0.0.1", "reserved, RFC 1112"),
            ("255.255.255.255", "broadcast, RFC 919"),
            ("::", "unspecified, RFC 4291"),
            ("::1", "loopback, RFC 4291"),
            ("::127.0.0.1", "loopback, RFC 1122"),
            ("::2", "this network, RFC 791"),
            ("::ffff:127.0.0.1", "loopback, RFC 1122"),
            ("::ffff:0:10.0.0.1", "private, RFC 1918"),
            (
                "64:ff9b::169.254.169.254",
                "link-local and metadata, RFC 3927",
            ),
            ("64:ff9b:1::8.8.8.8", "local translation, RFC 8215"),
            ("64:ff9c::1", "not assigned, RFC 4291"),
            ("100::1", "discard, RFC 6666"),
            ("2001:0:808:808::f5ff:fffe", "private, RFC 1918"),
            ("2001:0:a00:1::f7f7:f7f7", "private, RFC 1918"),
            ("2001:2::1", "protocol assignments, RFC 2928"),
            ("2001:db8::1", "documentation, RFC 3849"),
            ("2002:7f00:1::1", "loopback, RFC 1122"),
            ("2001:200:2:3:0:5efe:a00:1", "private, RFC 1918"),
            ("2a00:1:2:3:0:5efe:a00:1", "private, RFC 1918"),
            ("2a00:1:2:3:200:5efe:a00:1", "private, RFC 1918"),
            ("3fff::1", "documentation, RFC 9637"),
            ("4000::1", "not assigned, RFC 4291"),
            ("5f00::1", "segment routing, RFC 9602"),
            ("fc00::1", "unique local, RFC 4193"),
            ("fd00:ec2::254", "unique local, RFC 4193"),
            ("fe80::1", "link-local, RFC 4291"),
            ("fec0::1", "site-local, RFC 3879"),
            ("ff02::1", "multicast, RFC 4291"),
            ("::ffff:0:0", "this network, RFC 791"),
        ] {
            check(address, Some(range));
        }
    }

    /// Policy judges a URL by its own table before a request is made: what is internal to the
    /// sandbox must be so to policy.
    #[test]
    fn what_is_internal_here_is_internal_to_policy() {
        let ranges_v4 = INTERNAL_V4.map(|(first, length, _)| {
            let last = first.to_bits() | u32::MAX.checked_shr(length).unwrap_or(0);
            [IpAddr::V4(first), IpAddr::V4(last.into())]
        });
        let ranges_v6 = INTERNAL_V6
            .iter()
            .chain(&OUTSIDE_V6)
            .map(|(first, length, _)| {
                let last = first.to_bits() | u128::MAX.checked_shr(*length).unwrap_or(0);
                [IpAddr::V6(*first), IpAddr::V6(last.into())]
            });
        for address in ranges_v4.into_iter().chain(ranges_v6).flatten() {
            assert!(leadhand_resource::is_internal(address), "{address}");
        }
    }
}
