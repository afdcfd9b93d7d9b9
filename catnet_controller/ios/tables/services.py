"""Rows of services: DHCP, SLA, tracking, archive, voice, telemetry, event manager."""

from catnet_controller.ios.rows import Row, table
from catnet_controller.ios.tables.books import cite

ROWS: tuple[Row, ...] = (
    table(
        "dhcp",
        cite,
        r"""
single vrf *
flag import all
single network ... ; change remove ; source facts 9: the old line goes right before the new one
list network <...> secondary
single host ...
single hardware-address ...
single client-identifier *
single client-name *
single domain-name *
single default-router ...
single dns-server ...
single netbios-name-server ...
single netbios-node-type *
single bootfile *
single next-server ...
single option <n> ...
single lease ...
single update <...> ; no full
single utilization mark <x> *
single relay <...> ; no full
section class <n> ; opens dhcp
list address <...>
flag <...>
""",
    )
    + table("dhcp-class", cite, "flag <...>")
    + table(
        "dhcp6",
        cite,
        r"""
single address prefix ...
single prefix-delegation <...> ; no full
list dns-server <...>
single domain-name *
flag <...>
""",
    )
    + table(
        "archive",
        cite,
        r"""
section log config ; opens archive-log
single path ... ; danger the archive is the safety net of every push ; management
flag write-memory
single time-period *
single maximum *
flag rollback <...>
""",
    )
    + table(
        "archive-log",
        cite,
        r"""
flag logging enable
single logging size *
single logging persistent [...]
single notify syslog [...]
flag hidekeys
flag record <...>
""",
    )
    + table(
        "track",
        cite,
        r"""
single description ...
single delay ...
list object <...>
single ip vrf *
single threshold <...> ; no full
single resolution <...> ; no full
flag carrier-delay
single default-state *
flag <...>
""",
    )
    + table(
        "sla",
        cite,
        r"""
single icmp-echo ... ; tags fixed-once
single icmp-jitter ... ; tags fixed-once
single udp-jitter ... ; tags fixed-once
single udp-echo ... ; tags fixed-once
single tcp-connect ... ; tags fixed-once
single path-echo ... ; tags fixed-once ; management
single path-jitter ... ; tags fixed-once ; management
single dns ... ; tags fixed-once
single http ... ; tags fixed-once
single ftp ... ; tags fixed-once
single dhcp ... ; tags fixed-once
single tag ...
single owner ...
single threshold *
single timeout *
single frequency *
single tos *
single vrf *
single request-data-size *
single source-ip *
single verify-data
single history <x> ...
flag <...>
""",
    )
    + table(
        "redundancy",
        cite,
        r"""
single mode *
single main-cpu
flag <...>
""",
    )
    + table(
        "call-home",
        cite,
        r"""
single contact-email-addr *
single phone-number *
single site-id ...
single customer-id ...
single sender <x> *
single rate-limit *
single source-interface *
single vrf *
list mail-server <...>
list alert-group <...>
section profile <...> ; opens call-home-profile
flag <...>
""",
    )
    + table(
        "call-home-profile",
        cite,
        r"""
flag active
list destination transport-method <x>
list destination address <...>
single destination <x> *
list subscribe-to-alert-group <...>
flag <...>
""",
    )
    + table(
        "applet",
        cite,
        r"""
single description ...
single event tag <t> ...
single event <...> ; no full
single trigger [...]
single action <n> ... ; no no action {0}
single set <n> ...
flag <...>
""",
    )
    + table(
        "telemetry",
        cite,
        r"""
single encoding *
single filter <x> ...
single stream *
single update-policy ...
list receiver <...>
single source-address *
single source-vrf *
flag <...>
""",
    )
    + table(
        "bridge-domain",
        cite,
        r"""
list member <...>
single mac <...> ; no full
flag <...>
""",
    )
    + table(
        "l2vpn",
        cite,
        r"""
section l2 vfi <n> ... ; opens l2vpn
list member <...>
list neighbor <...>
single vpn id *
single encapsulation *
single replication-type *
single router-id *
single rd *
list route-target <...>
flag <...>
""",
    )
    + table(
        "pseudowire",
        cite,
        r"""
single encapsulation *
single interworking *
single control-word ...
flag <...>
""",
    )
    + table(
        "virtual-service",
        cite,
        r"""
single ip shared host-interface *
flag activate
flag <...>
""",
    )
    + table(
        "voice",
        cite,
        r"""
single description ...
single destination-pattern *
single session protocol *
single session target ...
single session transport *
single incoming called-number *
list codec preference <...>
single codec ...
single dtmf-relay ...
single port ...
single preference *
single translation-profile <in|out|incoming|outgoing> *
single voice-class <...> ; no full
single translate <x> ...
single rule <n> ...
list ipv4 <...>
section sip ; opens voice
section h323 ; opens voice
section ip address trusted list ; opens voice
flag vad ; on ; source Command Default: enabled
flag shutdown ; off ; stage 90 ; tags last ; source Command Default: disabled, the no is not printed
flag <...>
""",
    )
)
