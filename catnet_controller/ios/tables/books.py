"""Which Cisco IOS command reference describes a command: the first words of a line to its book."""

import re
from collections.abc import Mapping

_BOOKS = {
    "Configuration Fundamentals": """
        version service hostname boot-start-marker boot-end-marker boot config-register banner alias
        privilege memory-size platform exception scheduler file archive|path configuration mode
        parser macro diagnostic memory upgrade software environment logging|discriminator prompt
        menu ip|http ip|ftp ip|tftp tftp-server line length width location system vstack power
        profile fabric mmi nls mtp aqm-register-fnf onep wsma ap async-bootp multilink
    """,
    "Configuration Management": "archive rollback maximum time-period write-memory",
    "Network Management": """
        logging snmp-server snmp ntp cdp rmon call-home netconf clock snmp|trap sntp
    """,
    "Programmability": "netconf-yang restconf telemetry iox app-hosting gnxi",
    "Software Activation": "license sdm",
    "Security": """
        aaa username enable security login radius radius-server tacacs tacacs-server crypto key
        dot1x ip|ssh ip|scp ip|inspect ip|ips ip|radius ip|tacacs ip|access-list ip|access-group
        ip|admission access-list object-group zone zone-pair zone-member parameter-map authorization
        authentication access-class mab ip|verify ip|source-route ip|options epm cts eapol
        ip|device service-template access-session device-sensor device device-tracking
        macsec mka ip|virtual-reassembly ip|reflexive-list ip|dhcp-server auto
    """,
    "IP Addressing Services": """
        ip|address ip|dhcp ip|domain ip|name-server ip|host ip|nat ip|nhrp ip|helper-address
        ip|proxy-arp ip|unnumbered ip|classless ip|subnet-zero ip|gratuitous-arps ip|arp arp
        ip|directed-broadcast ip|dns ip|bootp ip|local ip|sticky-arp nat64 ip|forward-protocol
        ip|finger ip|mask-reply ip
    """,
    "IP Application Services": """
        ip|redirects ip|unreachables ip|icmp ip|tcp ip|mtu track glbp ip|telnet vmi ip-mtu
    """,
    "First Hop Redundancy Protocols": "standby vrrp",
    "IP Switching": "ip|cef ipv6|cef ip|route-cache ip|mroute-cache ip|load-sharing",
    "IPv6": "ipv6",
    "IP Routing: Protocol-Independent": """
        ip|route ip|default-network ip|default-gateway ip|routing ip|prefix-list ip|policy route-map
        ip|explicit-path router passive-interface key|chain ip|split-horizon routing match set
        continue bfd fast-reroute
    """,
    "IP Routing: BGP": """
        router|bgp ip|as-path ip|community-list ip|extcommunity-list ip|large-community-list
        ip|bgp-community neighbor bgp
    """,
    "IP Routing: OSPF": "router|ospf router|ospfv3 ip|ospf ospfv3 ipv6|ospf ipv6|router area",
    "IP Routing: EIGRP": """
        router|eigrp ip|authentication ip|hello-interval ip|hold-time ip|summary-address eigrp
        ip|bandwidth-percent ipv6|eigrp
    """,
    "IP Routing: RIP": "router|rip ip|rip ipv6|rip",
    "IP Routing: IS-IS": "router|isis isis ip|router",
    "IP Routing: LISP": "router|lisp lisp",
    "Segment Routing": "segment-routing",
    "IP Multicast": "ip|multicast-routing ip|multicast ip|igmp ip|pim ip|msdp ip|mroute ipv6|mld",
    "IP SLAs": "ip|sla",
    "NetFlow and Flexible NetFlow": """
        flow flow-sampler-map sampler ip|flow-export ip|flow-cache ip|flow-top-talkers ip|flow
    """,
    "MPLS and MPLS Layer 3 VPN": """
        mpls vrf ip|vrf l2vpn l2 pseudowire-class pseudowire-type xconnect control-word
    """,
    "Quality of Service Solutions": """
        class-map policy-map service-policy table-map mls srr-queue priority-queue fair-queue
        bandwidth ip|nbar ip|rsvp control-plane traffic-shape tx-ring-limit hold-queue fair trust
        max-reserved-bandwidth queue-set random-detect
    """,
    "LAN Switching": """
        vlan vtp spanning-tree switchport errdisable lldp channel-group channel-protocol lacp udld
        port-channel storm-control mac mac-address-table monitor switch bridge-group bridge
        encapsulation vlan-id l2protocol-tunnel energywise member stackwise-virtual hw-module
        private-vlan
    """,
    "Carrier Ethernet": "bridge-domain ethernet synchronous nve",
    "Interface and Hardware Component": """
        interface controller description mtu speed duplex negotiation keepalive carrier-delay delay
        media-type load-interval shutdown tunnel transceiver redundancy mop clock|rate backup
        physical-layer cell-attach carrier port-type autostate template macro|description source
    """,
    "Dial Technologies": "dialer dialer-list dialer-group ppp peer async isdn virtual-template",
    "Wide-Area Networking": "frame-relay x25 service-insertion no-address",
    "Broadband Access Aggregation": "pppoe pppoe-client subscriber",
    "Embedded Event Manager": "event",
    "Voice": """
        voice voice-port dspfarm dial-peer sip-ua gatekeeper gateway telephony-service ephone
        ephone-dn call-manager-fallback sccp ccm-manager mgcp
    """,
    "Virtual Services": "virtual-service ip-attachment",
    "Wireless": "wireless nmsp avb",
    "Terminal Services": "exec-timeout transport session-timeout",
}
BOOKS: Mapping[str, str] = {
    words.replace("|", " "): f"Cisco IOS {book} command reference"
    for book, commands in _BOOKS.items()
    for words in commands.split()
}
"""The longest beginning of a line that is a key names its book."""


_MODES = {
    "Security": """
        acl object-group zone zone-pair parameter-map aaa-group aaa-accounting dynamic-author tacacs
        radius trustpoint certificates pki pubkey ssh-keys ssh-user keyring isakmp isakmp-group
        isakmp-profile ikev2 ikev2-keyring ikev2-peer transform ipsec-profile crypto-map gdoi dot1x
        device-tracking service-template control-policy control-event control-class
    """,
    "IP Routing: BGP": "bgp bgp-af peer-policy peer-session community-list",
    "IP Routing: OSPF": "ospf",
    "IP Routing: EIGRP": "eigrp eigrp-af eigrp-if eigrp-topology",
    "IP Routing: RIP": "rip",
    "IP Routing: IS-IS": "isis",
    "IP Routing: LISP": "lisp",
    "IP Routing: Protocol-Independent": "route-map key-chain key",
    "Segment Routing": "segment-routing",
    "MPLS and MPLS Layer 3 VPN": "vrf xconnect l2vpn pseudowire",
    "Quality of Service Solutions": """
        class-map policy-map policy-class police table-map control-plane
    """,
    "NetFlow and Flexible NetFlow": "flow",
    "LAN Switching": "vlan mst vlan-map",
    "Carrier Ethernet": "service-instance bridge-domain",
    "First Hop Redundancy Protocols": "vrrp",
    "Interface and Hardware Component": "transceiver controller redundancy",
    "IP Addressing Services": "dhcp dhcp-class",
    "IPv6": "dhcp6",
    "Configuration Management": "archive archive-log",
    "IP Application Services": "track",
    "IP SLAs": "sla",
    "Network Management": "call-home call-home-profile",
    "Embedded Event Manager": "applet",
    "Programmability": "telemetry",
    "Virtual Services": "virtual-service",
    "Voice": "voice",
    "Terminal Services": "line",
}
MODES: Mapping[str, str] = {
    mode: f"Cisco IOS {book} command reference"
    for book, modes in _MODES.items()
    for mode in modes.split()
}
"""The book of a mode whose commands all stand in one."""

_LITERAL = re.compile(r"[A-Za-z][\w.:+-]*$")


def cite(mode: str, pattern: str) -> str:
    """The book and the entry of it that describe the line a pattern stands for."""
    said: list[str] = []
    for word in pattern.split():
        if _LITERAL.match(word):
            said.append(word)
        elif not word.startswith("<") or not said:
            break
    entry = " ".join(said) if said else f"the commands of {mode} configuration mode"
    return f"{MODES.get(mode) or _book(said)}, {entry}"


def _book(words: list[str]) -> str:
    found = (BOOKS.get(" ".join(words[:length])) for length in (2, 1))
    return next((book for book in found if book), "Cisco IOS Master Command List")
