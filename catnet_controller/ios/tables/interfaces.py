"""Rows of the interface modes and of what is configured for layer 2."""

# ruff: noqa: E501  (a row is one line)

from catnet_controller.ios.rows import Row, table
from catnet_controller.ios.tables.books import cite

ROWS: tuple[Row, ...] = (
    table(
        "interface",
        cite,
        r"""
single description ... ; stage 30
flag switchport ; on ; stage 5 ; danger the port changes between switching and routing ; source Command Default: enabled
single encapsulation dot1Q ... ; no full ; stage 20 ; wipes ip address|ipv6 address ; danger the sub-interface drops its addresses ; source facts 4 and 9: the device strips the addresses
single encapsulation ... ; stage 20
single vrf forwarding * ; stage 10 ; wipes ip address|ipv6 address ; danger the addresses go and come back ; source facts 4 and 9: the device strips the addresses
single ip vrf forwarding * ; stage 10 ; wipes ip address|ipv6 address ; danger the addresses go and come back ; source facts 4 and 9: the device strips the addresses
single bandwidth ... ; stage 50
single switchport access vlan * ; stage 42 ; danger the port changes its VLAN
single switchport trunk encapsulation * ; stage 40
single switchport trunk native vlan * ; stage 42 ; danger the trunk
single switchport trunk allowed vlan ... ; stage 42 ; vlans ; danger the trunk
single switchport trunk pruning vlan ... ; stage 42
single switchport mode ... ; stage 43 ; danger the port mode
flag switchport nonegotiate ; stage 50
single switchport voice vlan * ; stage 46
single switchport port-security maximum * vlan <x>
single switchport port-security maximum *
single switchport port-security violation *
single switchport port-security aging <time|type> *
flag switchport port-security aging static
list switchport port-security mac-address <...>
flag switchport port-security
flag switchport block <x>
flag switchport protected
list switchport private-vlan <...>
flag switchport <...>
list ip address <...> secondary ; stage 26 ; tags address
single ip address ... ; shown ; stage 25 ; tags address ; danger the address ; source transcripts of running-configs print the no
single ip unnumbered ... ; stage 25
flag ip redirects ; on ; source Command Default: enabled
flag ip unreachables ; on ; source Command Default: enabled
flag ip proxy-arp ; on ; source Command Default: enabled
single ip directed-broadcast [...]
flag ip mask-reply
flag ip route-cache ; on ; source Command Default: enabled
flag ip route-cache <...>
flag ip mroute-cache
single ip mtu *
list ip helper-address <...>
single ip access-group * <in|out> ; no full ; danger traffic through the port
flag ip verify <...>
single ip nat <inside|outside>
single ip nhrp authentication ...
single ip nhrp network-id *
single ip nhrp holdtime *
list ip nhrp map <...>
list ip nhrp nhs <...>
flag ip nhrp <...>
single ip tcp adjust-mss *
single ip policy route-map *
single ip authentication mode eigrp <n> *
single ip authentication key-chain eigrp <n> *
single ip hello-interval eigrp <n> *
single ip hold-time eigrp <n> *
list ip summary-address eigrp <...>
flag ip split-horizon ; on ; source Command Default: enabled
flag ip split-horizon <...>
single ip bandwidth-percent eigrp <n> *
single ip ospf <p> area ... ; no full
single ip ospf authentication [...]
single ip ospf authentication-key ...
single ip ospf message-digest-key <n> ... ; change remove ; source IP Routing: OSPF, ip ospf message-digest-key: a changed key comes under a new number; of the same it is refused (OSPF: Key 1 already exists)
single ip ospf network ...
single ip ospf <cost|priority|hello-interval|dead-interval|retransmit-interval|transmit-delay> ...
flag ip ospf mtu-ignore
flag ip ospf <...>
single ip router isis [...]
single ipv6 router isis [...]
single ip igmp <version|query-interval|static-group|access-group> ...
list ip igmp join-group <...>
flag ip igmp <...>
flag ip pim <sparse-mode|sparse-dense-mode|dense-mode|passive>
single ip pim <dr-priority|query-interval> *
flag ip pim <...>
flag ip multicast <...>
single ip dhcp snooping limit rate *
flag ip dhcp snooping trust
flag ip dhcp <...>
single ip arp inspection limit ...
flag ip arp inspection trust
flag ip arp <...>
single ip rip <...> ; no full
list ip flow monitor <...>
flag ip flow <ingress|egress>
list ip flow <...>
flag ip nbar <...>
single ip inspect <...> ; no full
flag ip virtual-reassembly
flag ip virtual-reassembly <...>
single ip load-sharing ...
flag ip cef <...>
flag ip admission <...>
flag ip device <...>
single ip sticky-arp
flag ip <...>
single arp timeout *
single zone-member security * ; danger traffic between zones
single load-interval *
single speed ...
single duplex *
flag negotiation auto ; made ; source facts 8, rule 15: made by the device
flag autostate ; on ; source Command Default: enabled
single mtu * ; stage 22
single media-type *
single delay *
single keepalive [...] ; on ; default keepalive ; source Command Default: enabled
single carrier-delay ...
single clock rate *
flag logging event <...>
flag cdp enable ; on ; source Command Default: enabled
flag cdp <...>
flag lldp <transmit|receive> ; on ; source Command Default: enabled
flag lldp <...>
flag mop <enabled|sysid> ; made ; source facts 8, rule 15: made by the device
list ipv6 address <...> ; stage 27 ; tags address
flag ipv6 enable ; stage 27
flag ipv6 redirects ; on ; source Command Default: enabled
flag ipv6 unreachables ; on ; source Command Default: enabled
single ipv6 mtu *
flag ipv6 nd <...>
single ipv6 nd <x> [...]
list ipv6 nd prefix <...>
single ipv6 traffic-filter * <in|out> ; no full ; danger traffic through the port
list ipv6 dhcp relay destination <...>
single ipv6 dhcp server ...
flag ipv6 verify <...>
single ipv6 ospf <p> area ... ; no full
single ipv6 ospf <cost|priority|network|hello-interval|dead-interval> ...
flag ipv6 ospf <...>
single ospfv3 <p> <f> area * ; no full
single ospfv3 <x> ...
flag ipv6 eigrp <n>
flag ipv6 rip <...>
flag ipv6 split-horizon <...>
flag ipv6 virtual-reassembly
flag ipv6 <...>
single tunnel source * ; stage 22
single tunnel destination * ; stage 23
single tunnel mode ... ; stage 21
single tunnel key * ; stage 24
single tunnel vrf * ; stage 21
single tunnel path-mtu-discovery [...]
single tunnel protection <x> ... ; no full ; stage 60
single tunnel <x> ...
single standby version * ; stage 28
list standby <g> ip <...> secondary ; stage 31
single standby <g> ip [...] ; stage 30
single standby <g> track <o> [...] ; stage 32
single standby <g> priority * ; stage 32
single standby <g> preempt [...] ; stage 32
single standby <g> timers ... ; stage 32
single standby <g> authentication ... ; stage 32
single standby <g> <name|mac-address|ipv6> ... ; stage 32
single standby <x> ... ; stage 32
section vrrp <g> address-family <f> ; opens vrrp ; stage 30
single vrrp <g> ip * ; stage 30
single vrrp <g> <priority|authentication|description|timers> ... ; stage 32
single vrrp <g> track <o> [...] ; stage 32
flag vrrp <g> preempt ; on ; stage 32 ; source Command Default: enabled
single glbp <g> ip [...] ; stage 30
single glbp <g> <priority|authentication|timers|load-balancing|weighting|name> ... ; stage 32
flag glbp <g> preempt ; stage 32
single channel-group ... ; stage 48 ; danger the port joins or leaves a bundle
single channel-protocol *
single lacp <x> ...
flag lacp <...>
flag mpls ip
flag mpls bgp forwarding
single mpls label protocol *
single mpls mtu ...
flag mpls <...>
single isis circuit-type *
single isis network *
single isis metric ...
single isis <authentication|password|hello-interval|priority|tag> ... ; no full
flag isis <...>
single bfd interval ...
flag bfd <...>
single xconnect ...
flag authentication <periodic|open>
single authentication port-control *
single authentication host-mode *
single authentication <order|priority|violation> ...
list authentication event <...>
single authentication timer <x> ...
flag authentication <...>
flag access-session closed
single access-session port-control *
single access-session host-mode *
flag access-session <...>
flag mab
flag mab eap
single dot1x pae *
single dot1x timeout <x> *
single dot1x <max-req|max-reauth-req> *
flag dot1x <...>
single macro description ...
flag auto qos <...>
single srr-queue bandwidth <x> ...
flag priority-queue out
flag mls qos <...>
list source template <...>
list device-tracking attach-policy <...>
flag device-tracking <...>
flag trust <...>
single spanning-tree cost *
single spanning-tree port-priority *
single spanning-tree bpduguard *
single spanning-tree bpdufilter *
single spanning-tree guard *
single spanning-tree link-type *
single spanning-tree portfast [...]
single spanning-tree vlan <v> <cost|port-priority> *
flag spanning-tree <...>
single storm-control <broadcast|multicast|unicast> level ...
list storm-control action <...>
single storm-control <x> ...
single udld port [...]
single power inline ... ; danger power of what is attached
single power <x> ...
single service-policy <input|output> * ; no full ; change remove ; source cisco.ios (Ansible) issue 109: a policy is refused while another is attached; nothing is lost by removing first where it is not
single service-policy type <...> ; no full
section service instance <n> ethernet [...] ; opens service-instance
single ppp authentication ...
single ppp chap <hostname|password> ...
single ppp pap sent-username ...
single ppp multilink [...]
single ppp <x> ...
single peer default ip address ...
single dialer <pool|pool-member|string|idle-timeout|group|map> ...
single dialer-group *
flag dialer <...>
single pppoe-client dial-pool-number *
single pppoe enable [...]
single crypto map * ; stage 60
single crypto <x> ... ; stage 60
single fair-queue [...]
single max-reserved-bandwidth *
single tx-ring-limit *
single hold-queue * <in|out>
single vlan-id dot1q *
single bridge-group <n>
single bridge-group <n> <x> ...
single ip-attachment <x> ...
single nve <x> ...
single member vni <...> ; no full
single neighbor <a> ... ; no full
single control-word ...
single frame-relay <...> ; no full
single physical-layer ...
single async mode ...
single no-address
single backup <interface|delay> ...
single snmp trap ...
flag snmp trap <...> ; on ; source Command Default: enabled
flag vrrp <...>
flag ntp disable
single ntp broadcast ...
flag platform <...>
flag macro <...>
flag fair <...>
flag pseudowire-type
single virtual-template *
flag hw-module <...>
flag routing dynamic
single ip-mtu *
flag port-type <...>
flag service-insertion waas
single l2protocol-tunnel <...> ; no full
flag l2protocol-tunnel
flag energywise <...>
flag vlan <...>
single cts <...> ; no full
single eapol <...> ; no full
single synchronous <...> ; no full
flag traffic-shape <...>
flag nat64 <...>
flag vmi <...>
flag carrier <...>
single cell-attach <...> ; no full
flag shutdown ; off ; stage 90 ; tags last ; danger the port goes down ; source Command Default: disabled, the no is not printed
""",
    )
    + table(
        "service-instance",
        cite,
        r"""
single description ...
single encapsulation ... ; stage 20
single rewrite ingress ...
single rewrite egress ...
section xconnect ... ; opens xconnect ; no no xconnect
single bridge-domain ...
single service-policy <input|output> * ; no full ; change remove ; source cisco.ios (Ansible) issue 109: a policy is refused while another is attached; nothing is lost by removing first where it is not
list l2protocol <...>
single ethernet <...> ; no full
single mtu *
flag shutdown ; off ; stage 90 ; tags last ; source Command Default: disabled, the no is not printed
""",
    )
    + table(
        "vlan",
        cite,
        r"""
single name ...
flag shutdown ; off ; stage 90 ; tags last ; source Command Default: disabled, the no is not printed
single state *
flag remote-span
single private-vlan <...> ; no full
single service-policy <input|output> * ; no full ; change remove ; source cisco.ios (Ansible) issue 109: a policy is refused while another is attached; nothing is lost by removing first where it is not
list device-tracking attach-policy <...>
list ip flow monitor <...>
single member <...> ; no full
flag mtu <...>
""",
    )
    + table(
        "mst",
        cite,
        r"""
single name ...
single revision *
single instance <n> vlan ...
""",
    )
    + table(
        "vrf",
        cite,
        r"""
single description ...
single rd *
single vpn id *
list route-target <...>
single import map *
single export map *
single import <...> ; no full
single export <...> ; no full
single maximum routes ...
section address-family <f> ; opens vrf
section address-family <f> multicast ; opens vrf
single route-replicate <...> ; no full
flag inter-as-hybrid <...>
list mdt <...>
""",
    )
    + table(
        "vrrp",
        cite,
        r"""
single description ...
single priority *
single timers advertise *
single preempt [...] ; on ; default preempt ; source Command Default: enabled
list address <...> secondary
single address * primary
single track <n> ...
flag vrrpv2
flag shutdown ; off ; source Command Default: disabled, the no is not printed
""",
    )
    + table("xconnect", cite, "single mtu *\nflag <...>")
    + table(
        "transceiver", cite, "flag monitoring ; made ; source facts 8, rule 15: made by the device"
    )
    + table(
        "controller",
        cite,
        r"""
single framing ...
single clock source ...
single linecode *
single cablelength ...
single channel-group <n> ...
single pri-group ...
flag shutdown ; off ; source Command Default: disabled, the no is not printed
""",
    )
)
