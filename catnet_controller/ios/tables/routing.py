"""Rows of the routing processes."""

# ruff: noqa: E501  (a row is one line)

from catnet_controller.ios.rows import Row, table
from catnet_controller.ios.tables.books import cite

_NEIGHBORS = r"""
single neighbor <a> remote-as * ; no full ; stage 40 ; cascade neighbor {0} ; danger the session resets ; source facts 4 and 9: the removal takes what belongs to it along; IP Routing: BGP, neighbor remote-as: the no form names the system
single neighbor <a> inherit <peer-session|peer-policy> * ; no full ; stage 44
single neighbor <a> local-as ... ; stage 45
single neighbor <a> description ...
flag neighbor <a> shutdown ; off ; stage 30 ; source Command Default: disabled, the no is not printed
single neighbor <a> password ... ; stage 46
single neighbor <a> update-source *
single neighbor <a> ebgp-multihop [...]
single neighbor <a> ttl-security ...
single neighbor <a> timers ...
single neighbor <a> version *
single neighbor <a> cluster-id *
single neighbor <a> fall-over [...]
single neighbor <a> transport <x> ...
flag neighbor <a> activate ; stage 48
single neighbor <a> send-community [...]
single neighbor <a> next-hop-self [...]
single neighbor <a> soft-reconfiguration inbound
flag neighbor <a> route-reflector-client
single neighbor <a> route-map * <in|out> ; no full
single neighbor <a> prefix-list * <in|out> ; no full
single neighbor <a> filter-list * <in|out> ; no full
single neighbor <a> distribute-list * <in|out> ; no full
single neighbor <a> unsuppress-map *
single neighbor <a> advertise-map <...> ; no full
single neighbor <a> maximum-prefix ...
single neighbor <a> default-originate [...]
single neighbor <a> weight *
single neighbor <a> allowas-in [...]
single neighbor <a> advertisement-interval *
single neighbor <a> remove-private-as [...]
single neighbor <a> advertise additional-paths ...
single neighbor <a> additional-paths ...
single neighbor <a> capability <...> ; no full
flag neighbor <a> <as-override|dont-capability-negotiate|disable-connected-check|next-hop-unchanged|dmzlink-bw>
single neighbor <a> <soo|send-label|translate-update|slow-peer|ha-mode|internal-vpn-client> [...]
single neighbor <a> <x> ... ; no full
single network <p> mask <m> [...]
single network <p> [...]
single redistribute <ospf|eigrp|bgp|isis|rip> <n> [...] ; tags redistribute
single redistribute <connected|static> [...] ; tags redistribute
single redistribute <p> [...] ; tags redistribute
single aggregate-address <p> <m> [...]
single default-information originate [...]
single default-metric *
single distance bgp ...
single distance ...
single maximum-paths <ibgp|eibgp> ...
single maximum-paths *
single table-map ...
flag auto-summary
flag synchronization
single bgp <...> ; no full
"""

ROWS: tuple[Row, ...] = (
    table(
        "bgp",
        cite,
        r"""
section template peer-policy <n> ; opens peer-policy ; stage 10
section template peer-session <n> ; opens peer-session ; stage 10
single bgp router-id ... ; stage 12
single bgp cluster-id * ; stage 12
single bgp confederation identifier * ; stage 12
list bgp confederation peers <...> ; tags fan ; stage 13
flag bgp log-neighbor-changes ; stage 14
flag bgp default ipv4-unicast ; on ; stage 15 ; source Command Default: enabled
flag bgp default route-target filter ; on ; source Command Default: enabled
flag bgp fast-external-fallover ; on ; source Command Default: enabled
flag bgp enforce-first-as ; on ; source Command Default: enabled
single bgp listen range <r> ... ; no full ; stage 41
single bgp listen limit *
single bgp dampening [...]
single bgp graceful-restart [...]
single bgp maxas-limit *
single bgp default local-preference *
flag bgp bestpath <...>
flag bgp <always-compare-med|deterministic-med|asnotation|redistribute-internal|suppress-inactive>
single bgp <update-delay|nexthop|scan-time|transport|client-to-client> [...]
single timers bgp ... ; stage 30
flag neighbor <a> peer-group ; stage 35 ; cascade neighbor {0} ; tags group ; source facts 4 and 9: the removal takes what belongs to it along
single neighbor <a> peer-group * ; stage 42 ; no full
single scope <...> ; no full
section address-family ipv4 vrf <v> ; opens bgp-af ; stage 60
section address-family ipv6 vrf <v> ; opens bgp-af ; stage 60
section address-family <...> ; opens bgp-af ; stage 60
"""
        + _NEIGHBORS.strip(),
    )
    + table(
        "bgp-af",
        cite,
        r"""
single bgp router-id ... ; stage 12
flag bgp <recursion|redistribute-internal|soft-reconfig-backup>
single bgp additional-paths <x> [...]
flag bgp additional-paths <...>
single bgp dampening [...]
single bgp <scan-time|nexthop|slow-peer|aggregate-timer> ...
flag neighbor <a> peer-group ; stage 35 ; cascade neighbor {0} ; tags group ; source facts 4 and 9: the removal takes what belongs to it along
single neighbor <a> peer-group * ; stage 42 ; no full
single advertise <...> ; no full
single import <...> ; no full
single export <...> ; no full
flag rd <...>
"""
        + _NEIGHBORS.strip(),
    )
    + table(
        "peer-policy",
        cite,
        r"""
single route-map * <in|out> ; no full
single prefix-list * <in|out> ; no full
single filter-list * <in|out> ; no full
single soft-reconfiguration inbound
single send-community [...]
single maximum-prefix ...
single weight *
single allowas-in [...]
flag next-hop-self
flag <...>
""",
    )
    + table(
        "peer-session",
        cite,
        r"""
single remote-as *
single update-source *
single timers ...
single ebgp-multihop [...]
single password ...
single description ...
single fall-over [...]
flag <...>
""",
    )
    + table(
        "ospf",
        cite,
        r"""
single router-id * ; stage 10
flag ispf
flag capability <...>
flag prefix-suppression
single auto-cost reference-bandwidth ...
single bfd all-interfaces [...]
single log-adjacency-changes [...]
flag nsf
single nsf ... ; no full
flag nsr
single max-metric ...
single timers <a> <b> ...
single timers <x> ...
single area <n> authentication [...]
single area <n> stub [...]
single area <n> nssa [...]
single area <n> default-cost * ; no full ; source IP Routing: OSPF, area default-cost: the no form names the cost
single area <n> range <p> <m> [...]
single area <n> filter-list <...> ; no full
single area <n> virtual-link <a> [...]
single area <n> <x> ...
list summary-address <...>
single redistribute <ospf|eigrp|bgp|isis|rip> <n> [...] ; tags redistribute
single redistribute <connected|static|omp> [...] ; tags redistribute
single redistribute <p> [...] ; tags redistribute
flag passive-interface default ; stage 40 ; wipes passive-interface (?!default)\S+|no passive-interface \S+ ; source facts 4 and 9: passive-interface default clears exceptions; FRRouting does the same (ospf_passive_interface_default)
flag passive-interface <i> ; both ; stage 41 ; source passive-interface default inverts it
single network <p> <w> area * ; stage 45 ; no full ; change remove ; source facts 9: the old line goes right before the new one
single default-information originate [...]
single default-metric *
single distance ospf ...
single distance * ; no full ; source Cisco IOS IP Routing OSPF, distance (IP): without an address one value for all
single distance <...> ; no full
single distribute-list <...> ; no full
single maximum-paths *
single neighbor <a> [...]
single domain-id ...
single domain-tag *
flag mpls ldp <...>
flag mpls traffic-eng <...>
single segment-routing <x> ...
flag segment-routing <...>
section address-family <...> ; opens ospf ; stage 60
single fast-reroute <...> ; no full
single discard-route <...> ; no full
flag shutdown ; off ; stage 90 ; tags last ; source Command Default: disabled, the no is not printed
""",
    )
    + table(
        "eigrp",
        cite,
        r"""
section address-family <...> ; opens eigrp-af ; stage 60
section service-family <...> ; opens eigrp-af ; stage 61
section af-interface <i> ; opens eigrp-if
section sf-interface <i> ; opens eigrp-if
section topology <...> ; opens eigrp-topology
single variance *
single metric weights ...
single distance eigrp ...
single default-metric ...
single distribute-list <...> ; no full
single offset-list <...> ; no full
single network <p> <w> ; stage 45
single network <p> ; stage 45
single redistribute <ospf|eigrp|bgp|isis|rip> <n> [...] ; tags redistribute
single redistribute <connected|static> [...] ; tags redistribute
single redistribute <p> [...] ; tags redistribute
flag passive-interface default ; stage 40 ; wipes passive-interface (?!default)\S+|no passive-interface \S+ ; source facts 4 and 9: passive-interface default clears exceptions; FRRouting does the same (ospf_passive_interface_default)
flag passive-interface <i> ; both ; stage 41 ; source passive-interface default inverts it
list neighbor <...>
single eigrp router-id *
single eigrp stub [...]
flag eigrp log-neighbor-changes ; on ; source Command Default: enabled
flag eigrp <...>
flag auto-summary
single maximum-paths *
single timers <x> ...
single summary-metric <...> ; no full
flag nsf
flag shutdown ; off ; stage 90 ; tags last ; source Command Default: disabled, the no is not printed
""",
    )
    + table(
        "eigrp-af",
        cite,
        r"""
section af-interface <i> ; opens eigrp-if ; stage 46
section sf-interface <i> ; opens eigrp-if ; stage 46
section topology <...> ; opens eigrp-topology ; stage 47
single network <p> <w> ; stage 45
single network <p> ; stage 45
list neighbor <...>
single eigrp router-id * ; stage 12
single eigrp stub [...]
flag eigrp log-neighbor-changes ; on ; source Command Default: enabled
flag eigrp <...>
single metric <...> ; no full
single autonomous-system *
single maximum-prefix ...
single remote-neighbors <...> ; no full
flag nsf
flag soft-sia
single timers <x> ...
flag shutdown ; off ; stage 90 ; tags last ; source Command Default: disabled, the no is not printed
""",
    )
    + table(
        "eigrp-if",
        cite,
        r"""
single authentication mode ...
single authentication key-chain *
single hello-interval *
single hold-time *
flag passive-interface
flag split-horizon ; on ; source Command Default: enabled
flag next-hop-self ; on ; source Command Default: enabled
single bandwidth-percent *
list summary-address <...>
flag bfd
single add-paths *
flag shutdown ; off ; stage 90 ; tags last ; source Command Default: disabled, the no is not printed
""",
    )
    + table(
        "eigrp-topology",
        cite,
        r"""
single redistribute <ospf|eigrp|bgp|isis|rip> <n> [...] ; tags redistribute
single redistribute <connected|static> [...] ; tags redistribute
single redistribute <p> [...] ; tags redistribute
single variance *
single maximum-paths *
single distance eigrp ...
single default-metric ...
single distribute-list <...> ; no full
single offset-list <...> ; no full
single summary-metric <...> ; no full
flag auto-summary
flag snmp <...>
single timers <x> ...
flag fast-reroute <...>
""",
    )
    + table(
        "rip",
        cite,
        r"""
single version *
list network <...>
single timers basic ...
flag auto-summary ; on ; source Command Default: enabled
flag passive-interface default ; stage 40 ; wipes passive-interface (?!default)\S+|no passive-interface \S+ ; source facts 4 and 9: passive-interface default clears exceptions; FRRouting does the same (ospf_passive_interface_default)
flag passive-interface <i> ; both ; stage 41 ; source passive-interface default inverts it
single redistribute <p> [...] ; tags redistribute
single default-information originate [...]
single default-metric *
single distance *
single distribute-list <...> ; no full
single maximum-paths *
list neighbor <...>
section address-family <...> ; opens rip ; stage 60
flag <...>
""",
    )
    + table(
        "isis",
        cite,
        r"""
single net *
single is-type *
single metric-style ...
single log-adjacency-changes [...]
single authentication <x> ...
single area-password ...
single domain-password ...
single max-lsp-lifetime *
single lsp-refresh-interval *
single <spf-interval|prc-interval|lsp-gen-interval> ...
single passive-interface <i>
single set-overload-bit [...]
single summary-address <...> ; no full
single redistribute <...> ; no full
single default-information originate [...]
single distance ...
single maximum-paths *
single metric *
flag hello padding ; on ; source Command Default: enabled
flag nsf <...>
flag bfd <...>
flag mpls <...>
flag segment-routing <...>
flag fast-reroute <...>
flag advertise <...>
flag multi-topology
single multi-topology * ; no full
flag ispf <...>
flag microloop <...>
section address-family <...> ; opens isis ; stage 60
""",
    )
    + table("lisp", cite, "flag <...>")
    + table(
        "segment-routing",
        cite,
        r"""
section set-attributes ; opens segment-routing
section connected-prefix-sid-map ; opens segment-routing
section address-family <f> ; opens segment-routing
section global-block <...> ; opens segment-routing
list <...>
""",
    )
)
