"""Rows of global configuration, in the order in which IOS prints them."""

# ruff: noqa: E501  (a row is one line)

from catnet_controller.ios.rows import Row, table
from catnet_controller.ios.tables.books import cite

ROWS: tuple[Row, ...] = table(
    "config",
    cite,
    r"""
single version ... ; made ; source facts 8, rule 15: made by the device
single frr version ... ; made ; source FRRouting: made by the device
single frr defaults ... ; made ; source FRRouting: a start option
flag ip forwarding ; on ; stage 12 ; source FRRouting: printed only as `no`
flag ipv6 forwarding ; on ; stage 12 ; source FRRouting: printed only as `no`
single log <syslog|stdout> [...] ; stage 90 ; source FRRouting
flag service integrated-vtysh-config ; made ; source FRRouting: kept in a file of vtysh, not in the configuration
single service timestamps <debug|log> ... ; stage 90
flag service config ; stage 90
flag service password-encryption ; stage 12
flag service <...> ; stage 90
flag platform <...> ; made ; stage 90 ; source facts 8, rule 15: made by the device
single hostname * ; fixed ; stage 14 ; danger the prompt changes ; source facts 10: cannot be removed
flag aqm-register-fnf ; made ; source facts 8, rule 15: made by the device
flag boot-start-marker ; made ; source facts 8, rule 15: made by the device
list boot system <...> ; never the boot image decides whether the device comes back ; source facts 10: never sent
single boot <...> ; never the boot image decides whether the device comes back ; source facts 10: never sent
flag boot-end-marker ; made ; source facts 8, rule 15: made by the device
single config-register ... ; never a wrong register leaves the device at the boot loader ; source facts 10: never sent
section vrf definition <name> ; opens vrf ; stage 10 ; cascade vrf ; source facts 4 and 9: the removal takes what belongs to it along
section ip vrf <name> ; opens vrf ; stage 10 ; cascade vrf ; source facts 4 and 9: the removal takes what belongs to it along
list security passwords <...> ; stage 12
list security authentication <...> ; stage 12
flag logging on ; on ; source Command Default: enabled
single logging discriminator <n> ...
single logging buffered [...]
single logging console [...] ; on ; default logging console ; source Command Default: enabled
single logging monitor [...] ; on ; default logging monitor ; source Command Default: enabled
single logging rate-limit ...
single logging queue-limit ...
single logging persistent ...
flag logging message-counter <what>
single logging count
flag logging userinfo
flag logging exception ; off ; source Command Default: disabled, the no is not printed
single enable secret ... ; stage 12 ; danger the enable secret CatNet may use ; management
single enable password ... ; stage 12 ; danger the enable password CatNet may use ; management
single enable algorithm-type ... ; no no enable secret ; stage 12
single username <name> ... ; stage 50 ; asks confirm ; danger a login may depend on it ; management ; only_removed ; source facts ios 1.5 and 10: the device asks
flag aaa new-model ; stage 48 ; off ; asks confirm ; danger login changes at once ; management ; source Command Default: disabled, the no is not printed, facts ios 1.5 and 10: the device asks
section aaa group server <radius|tacacs+|ldap> <name> ; opens aaa-group ; stage 52
single aaa authentication banner ... ; stage 92
single aaa authentication fail-message ... ; stage 92
single aaa authentication attempts login * ; stage 92
single aaa authentication username-prompt ... ; stage 92
single aaa authentication password-prompt ... ; stage 92
single aaa authentication suppress <...> ; stage 92
single aaa authentication <login|enable|ppp|dot1x|sgbp|arap|nasi|onep|eou> <list> ... ; stage 92 ; danger login methods change ; management
flag aaa authorization <console|config-commands> ; stage 93 ; danger command authorisation changes ; management
single aaa authorization commands <level> <list> ... ; stage 93 ; danger command authorisation changes ; management
single aaa authorization <exec|network|reverse-access|configuration|auth-proxy|cache|template|prepaid|multicast|credential-download|subscriber-service|policy-if|ipmobile|mobile> <list> ... ; stage 93 ; danger authorisation changes ; management
section aaa accounting commands <level> <list> ; opens aaa-accounting ; stage 93
single aaa accounting commands <level> <list> ... ; no full ; stage 93
single aaa accounting update ... ; stage 93
single aaa accounting <nested|suppress|delay-start|include|send|redundancy> [...] ; stage 93
section aaa accounting <exec|network|connection|system|identity|dot1x|resource|auth-proxy|delay|multicast> <list> ; opens aaa-accounting ; stage 93
single aaa accounting <exec|network|connection|system|identity|dot1x|resource|auth-proxy|delay|multicast> <list> ... ; no full ; stage 93
section aaa server radius dynamic-author ; opens dynamic-author ; stage 52
single aaa session-id * ; made ; stage 92 ; source facts 8, rule 15: made by the device
single aaa max-sessions * ; stage 92
list aaa common-criteria policy <...> ; stage 92
list aaa local authentication <...> ; stage 92
list aaa password <...> ; stage 92
list aaa user profile <...> ; stage 92
single clock timezone ... ; stage 90
single clock summer-time ... ; stage 90
flag clock calendar-valid ; stage 90
single switch <n> provision * ; made ; fixed ; source facts 8, rule 15: made by the device
single switch <n> priority * ; stage 90
flag mmi <auto-configure|pvc> ; made ; source facts 8, rule 15: made by the device
single mmi <x> ... ; made ; source facts 8, rule 15: made by the device
flag mmi <...> ; made ; source facts 8, rule 15: made by the device
flag memory-size iomem <...> ; made ; source facts 8, rule 15: made by the device
flag mls <...> ; stage 90
single errdisable recovery interval *
flag errdisable recovery cause <x>
flag errdisable detect cause <...> ; on ; source Command Default: enabled
flag ip subnet-zero ; on ; source Command Default: enabled
flag ip classless ; on ; source Command Default: enabled
flag ip source-route ; on ; source Command Default: enabled
flag ip bootp server ; on ; source Command Default: enabled
flag ip cef ; on ; source Command Default: enabled
flag ip cef <distributed|load-sharing> ; on ; source Command Default: enabled
flag ipv6 cef
flag ipv6 cef distributed
flag ip routing ; danger routing stops ; management
flag ip gratuitous-arps ; on ; source Command Default: enabled
single ip arp proxy <x>
flag ip finger ; off ; source Command Default: disabled, the no is not printed
single ip icmp rate-limit unreachable [...] ; on ; default ip icmp rate-limit unreachable ; source Command Default: enabled
flag ip bootp <x>
flag ip dhcp use vrf connected ; stage 84
single ip dhcp database <...> ; stage 84
list ip dhcp excluded-address <...> ; stage 83
flag ip dhcp conflict logging ; on ; stage 84 ; source Command Default: enabled
flag ip dhcp bootp ignore ; stage 84
flag ip dhcp <smart-relay|remember> ; stage 84
flag ip dhcp relay <...> ; stage 84
single ip dhcp ping <packets|timeout> * ; stage 84
section ip dhcp pool <name> ; opens dhcp ; stage 84
section ip dhcp class <name> ; opens dhcp-class ; stage 83
flag ip dhcp snooping ; stage 84
flag ip dhcp snooping information option ; on ; stage 84 ; source Command Default: enabled
flag ip dhcp snooping verify <...> ; on ; stage 84 ; source Command Default: enabled
list ip dhcp snooping vlan <...> ; stage 84
single ip dhcp snooping database ... ; stage 84
flag ip dhcp-server <...> ; stage 84
flag ip domain lookup ; on ; source Command Default: enabled
single ip domain lookup source-interface *
single ip domain name vrf <v> *
single ip domain name * ; stage 14
list ip domain list <...>
flag ip domain round-robin
ordered ip name-server <...> ; tags fan
ordered ipv6 name-server <...> ; tags fan
single ip host vrf <v> <n> ...
single ip host <n> ...
single ipv6 host <n> ...
flag ip multicast-routing ; stage 60
flag ip multicast-routing <...> ; stage 60
flag ipv6 multicast-routing ; stage 60
flag ipv6 multicast-routing <...> ; stage 60
flag ip multicast <...> ; stage 60
flag ip inspect <...> ; stage 60
flag ip nbar <...> ; stage 60
flag ip ips <...> ; stage 60
flag ip igmp snooping ; on ; source Command Default: enabled
flag ip igmp snooping <...>
list ip igmp ssm-map <...>
list ip device tracking <...>
flag ip device tracking
single device-tracking tracking [...]
section device-tracking policy <n> ; opens device-tracking ; stage 45
list access-session <...>
flag device-sensor <...>
flag device <...>
flag epm <...>
list login block-for <...>
list login delay <...>
single login quiet-mode access-class *
flag login on-failure log ; stage 90
flag login on-success log ; made ; stage 90 ; source facts 8, rule 15: made by the device
list login on-failure <...>
list login on-success <...>
flag ipv6 unicast-routing ; stage 15 ; danger IPv6 routing
flag ipv6 source-route
flag ipv6 nd <...>
single ipv6 hop-limit *
flag ipv6 mld <...>
section ipv6 dhcp pool <n> ; opens dhcp6 ; stage 84
flag subscriber templating ; made ; source facts 8, rule 15: made by the device
flag mtp <...> ; made ; source facts 8, rule 15: made by the device
flag multilink bundle-name <...> ; made ; source facts 8, rule 15: made by the device
flag multilink <...> ; made ; source facts 8, rule 15: made by the device
flag async-bootp <...>
section call-home ; opens call-home ; made ; source facts 8, rule 15: made by the device
section flow record <n> ; opens flow ; stage 40
section flow exporter <n> ; opens flow ; stage 40
section flow monitor <n> ; opens flow ; stage 45
section flow-sampler-map <n> ; opens flow ; stage 40
section sampler <n> ; opens flow ; stage 40
section key chain <name> ; opens key-chain ; stage 50
section key config-key <...> ; never the master key is never changed by a push ; source facts 10: never sent
section crypto pki server <n> ; opens pki ; stage 55
section crypto pki trustpoint TP-self-signed-<n> ; opens trustpoint ; made ; asks yes ; source facts 8, rule 15: made by the device, facts ios 1.5 and 10: the device asks
section crypto pki trustpoint SLA-<n> ; opens trustpoint ; made ; asks yes ; source facts 8, rule 15: made by the device, facts ios 1.5 and 10: the device asks
section crypto pki trustpoint <n> ; opens trustpoint ; stage 55 ; asks yes ; source facts ios 1.5 and 10: the device asks
section crypto ca trustpoint <n> ; opens trustpoint ; stage 55 ; asks yes ; source facts ios 1.5 and 10: the device asks
section crypto pki certificate map <...> ; opens pki ; stage 55
section crypto pki certificate chain <n> ; opens certificates ; made ; fixed ; asks yes ; source facts 8, rule 15: made by the device, facts ios 1.5 and 10: the device asks
section crypto ca certificate chain <n> ; opens certificates ; made ; fixed ; asks yes ; source facts 8, rule 15: made by the device, facts ios 1.5 and 10: the device asks
section crypto pki certificate pool ; opens certificates ; made ; fixed ; source facts 8, rule 15: made by the device
section crypto pki profile <...> ; opens pki ; stage 55
section crypto pki trustpool policy ; opens pki ; stage 55
flag crypto pki token <...> ; made ; source facts 8, rule 15: made by the device
flag crypto pki <...> ; stage 55
flag crypto engine <...> ; made ; source facts 8, rule 15: made by the device
single license udi ... ; made ; fixed ; source facts 8, rule 15: made by the device
flag license accept <...> ; made ; source facts 8, rule 15: made by the device
single license boot level ... ; made ; source facts 8, rule 15: made by the device
single license smart <x> ...
flag license smart <...>
flag license <...> ; made ; source facts 8, rule 15: made by the device
list memory free low-watermark <...> ; made ; source facts 8, rule 15: made by the device
flag memory <...> ; made ; source facts 8, rule 15: made by the device
single diagnostic bootup level * ; made ; source facts 8, rule 15: made by the device
flag diagnostic <...> ; made ; source facts 8, rule 15: made by the device
section archive ; opens archive ; stage 90 ; danger the archive is the safety net of every push ; management
section dot1x credentials <n> ; opens dot1x ; stage 50
flag dot1x system-auth-control ; stage 92
flag dot1x <...>
section service-template <n> ; opens service-template ; stage 40
section parameter-map type <...> ; opens parameter-map ; stage 40
single spanning-tree mode * ; stage 25 ; danger the layer-2 topology is computed anew
flag spanning-tree extend system-id ; made ; source facts 8, rule 15: made by the device
single spanning-tree vlan <v> priority * ; stage 25
single spanning-tree vlan <v> <hello-time|forward-time|max-age> * ; stage 25
flag spanning-tree vlan <v> ; on ; stage 25 ; source Command Default: enabled
section spanning-tree mst configuration ; opens mst ; stage 25
single spanning-tree mst <i> priority * ; stage 25
single spanning-tree pathcost method * ; stage 25
flag spanning-tree <...> ; stage 25
single vtp domain * ; stage 18 ; danger VLANs may change everywhere
single vtp mode ... ; stage 18 ; danger VLANs may change everywhere
single vtp version * ; stage 18
single vtp password ... ; stage 18
flag vtp pruning ; stage 18
single sdm prefer ... ; made ; source facts 8, rule 15: made by the device
single vlan internal allocation policy * ; made ; source facts 8, rule 15: made by the device
flag vlan dot1q <...>
section vlan configuration <n> ; opens vlan ; stage 22
section vlan access-map <n> <seq> ; opens vlan-map ; stage 40
single vlan accounting ...
section vlan <id> ; opens vlan ; stage 20 ; danger ports of the VLAN lose it ; only_removed
list vlan filter <...> ; stage 70
section object-group <network|service|security> <name> ; opens object-group ; stage 30
section redundancy ; opens redundancy ; made ; source facts 8, rule 15: made by the device
section hw-module <...> ; opens redundancy ; made ; source facts 8, rule 15: made by the device
flag cdp run ; stage 90
single cdp <timer|holdtime> *
flag cdp <...>
flag lldp run ; stage 90
single lldp <timer|holdtime|reinit> *
flag lldp tlv-select <...> ; on ; source Command Default: enabled
section transceiver type all ; opens transceiver ; made ; source facts 8, rule 15: made by the device
section track <n> ... ; opens track ; stage 65
section track resolution ... ; opens track ; stage 65
flag track timer <...> ; stage 65
section template <n> ; opens interface ; stage 66
section class-map type <...> ; opens class-map ; stage 40
section class-map match-any system-cpp-<...> ; opens class-map ; made ; source facts 8, rule 15: made by the device
section class-map match-any <name> ; opens class-map ; stage 40 ; rival class-map {0} ; source facts 9: one name has one type
section class-map match-all <name> ; opens class-map ; stage 40 ; rival class-map {0} ; source facts 9: one name has one type
section class-map <name> ; opens class-map ; stage 40 ; rival class-map {0} ; source facts 9: one name has one type
section policy-map type control subscriber <name> ; opens control-policy ; stage 45
section policy-map type <...> ; opens policy-map ; stage 45
section policy-map system-cpp-policy ; opens policy-map ; made ; source facts 8, rule 15: made by the device
section policy-map <name> ; opens policy-map ; stage 45
section table-map <name> ; opens table-map ; stage 40
section zone security <n> ; opens zone ; stage 66
section zone-pair security <n> ... ; opens zone-pair ; stage 67
section pseudowire-class <n> ; opens pseudowire ; stage 60
section l2vpn evpn instance <n> * ; opens l2vpn ; stage 60
section l2vpn evpn ; opens l2vpn ; stage 59
section l2vpn xconnect context <n> ; opens l2vpn ; stage 72
section l2vpn vfi context <n> ; opens l2vpn ; stage 60
section l2 vfi <n> ... ; opens l2vpn ; stage 60
section bridge-domain <n> ; opens bridge-domain ; stage 72
flag bridge irb ; stage 60
single bridge <n> <protocol|priority> ... ; stage 60
flag bridge <n> route ip ; stage 60
section segment-routing mpls ; opens segment-routing ; stage 60
section segment-routing traffic-eng ; opens segment-routing ; stage 60
single mpls label protocol * ; stage 60
single mpls label range ... ; stage 60
flag mpls ip ; on ; stage 60 ; source Command Default: enabled
flag mpls ldp <...> ; stage 60
flag mpls traffic-eng <...> ; stage 60
flag mpls <...> ; stage 60
section crypto keyring <...> ; opens keyring ; stage 55
section crypto isakmp policy <n> ; opens isakmp ; stage 55
single crypto isakmp key <...> ; no full ; stage 55
section crypto isakmp client configuration group <n> ; opens isakmp-group ; stage 55
section crypto isakmp profile <n> ; opens isakmp-profile ; stage 56
single crypto isakmp keepalive ... ; stage 55
flag crypto isakmp <...> ; stage 55
section crypto ikev2 proposal <n> ; opens ikev2 ; stage 54
section crypto ikev2 policy <n> ; opens ikev2 ; stage 55
section crypto ikev2 keyring <n> ; opens ikev2-keyring ; stage 55
section crypto ikev2 profile <n> ; opens ikev2 ; stage 56
section crypto ikev2 authorization policy <n> ; opens ikev2 ; stage 55
single crypto ikev2 dpd ... ; stage 55
single crypto ikev2 <nat|fragmentation|window|limit|cookie-challenge> ... ; stage 55
flag crypto ikev2 <...> ; stage 55
single crypto ipsec security-association <...> ; no full ; stage 55
section crypto ipsec transform-set <n> ... ; opens transform ; stage 55
section crypto ipsec profile <n> ; opens ipsec-profile ; stage 57
flag crypto ipsec <...> ; stage 55
section crypto gdoi group <...> ; opens gdoi ; stage 56
section crypto dynamic-map <n> <seq> ; opens crypto-map ; stage 57
single crypto map <n> local-address * ; stage 58
single crypto map <n> client ... ; stage 58
single crypto map <n> isakmp ... ; stage 58
section crypto map <n> <seq> ... ; opens crypto-map ; stage 58
section crypto key pubkey-chain rsa ; opens pubkey ; stage 55
flag crypto key <...> ; never keys are made by hand, they do not stand in the configuration ; source facts 10: never sent
section macro name <n> ; opens macro
single macro global description ...
section controller <...> ; opens controller ; fixed ; stage 68 ; source facts 10: cannot be removed
section interface <name> ; opens interface ; stage 70
section virtual-service <n> ; opens virtual-service ; made ; source facts 8, rule 15: made by the device
section router ospf <n> vrf <v> ; opens ospf ; stage 80 ; danger routing ; only_removed
section router ospf <n> ; opens ospf ; stage 80 ; danger routing ; only_removed
section router ospfv3 <...> ; opens ospf ; stage 80 ; danger routing ; only_removed
section ipv6 router <...> ; opens ospf ; stage 80 ; danger routing ; only_removed
section router eigrp <n> ; opens eigrp ; stage 80 ; danger routing ; only_removed
section router bgp <n> ; opens bgp ; stage 81 ; rival bgp ; danger routing ; only_removed ; source facts ios 1.4: BGP is already running
section router rip ; opens rip ; stage 80 ; danger routing ; only_removed
section router isis ; opens isis ; stage 80 ; danger routing ; only_removed
section router isis <n> ; opens isis ; stage 80 ; danger routing ; only_removed
section router lisp ; opens lisp ; stage 80 ; only_removed
section router <...> ; opens ? ; stage 80 ; only_removed
single ip default-gateway * ; stage 85 ; danger the way back to CatNet ; management
single ip default-network * ; stage 85
flag ip forward-protocol nd ; made ; stage 90 ; source facts 8, rule 15: made by the device
flag ip forward-protocol <...> ; stage 90
flag ip http server ; shown ; stage 90 ; source transcripts of running-configs print the no
single ip http port * ; stage 90
single ip http access-class <...> ; no full ; stage 90
single ip http authentication ... ; stage 90
flag ip http secure-server ; shown ; stage 90 ; source transcripts of running-configs print the no
single ip http secure-<x> * ; stage 90
single ip http timeout-policy ... ; stage 90
single ip http max-connections * ; stage 90
single ip http path * ; stage 90
single ip http client <x> ... ; stage 90
flag ip http <...> ; stage 90
flag ip ftp passive ; stage 90
single ip ftp <x> ... ; stage 90
single ip tftp source-interface * ; stage 90
single ip tftp blocksize * ; stage 90
single ip flow-export <version|source|template> ... ; stage 90
list ip flow-export destination <...> ; stage 90
single ip flow-cache timeout <x> * ; stage 90
single ip flow-top-talkers ; stage 90
single ip pim rp-address <a> ... ; stage 82
list ip pim vrf <...> ; stage 82
single ip pim <ssm|register-source|autorp|dm-fallback> ... ; stage 82
flag ip pim <...> ; stage 82
list ip msdp <...> ; stage 82
list ip mroute <...> ; stage 85
single ip nat pool <n> ... ; stage 84 ; change remove ; source facts 9: the old line goes right before the new one
list ip nat translation <...> ; stage 85
list ip nat log <...> ; stage 85
list ip nat <inside|outside> source static <...> ; stage 85
single ip nat <inside|outside> source list <n> ... ; no full ; stage 85 ; change remove ; source facts 9: the old line goes right before the new one
single ip nat <inside|outside> source route-map <n> ... ; no full ; stage 85 ; change remove ; source facts 9: the old line goes right before the new one
list ip nat <...> ; stage 85
list ip route vrf <...> ; near 7 ; stage 85 ; danger routing ; only_removed ; source IP Routing: Protocol-Independent, ip route: a route to the same next hop with another distance replaces it (FRRouting issue 8695 states it of IOS)
list ip route <...> ; near 5 ; stage 85 ; danger routing ; only_removed ; source IP Routing: Protocol-Independent, ip route: a route to the same next hop with another distance replaces it (FRRouting issue 8695 states it of IOS)
list ipv6 route vrf <...> ; near 6 ; stage 85 ; danger routing ; only_removed ; source IP Routing: Protocol-Independent, ip route: a route to the same next hop with another distance replaces it (FRRouting issue 8695 states it of IOS)
list ipv6 route <...> ; near 4 ; stage 85 ; danger routing ; only_removed ; source IP Routing: Protocol-Independent, ip route: a route to the same next hop with another distance replaces it (FRRouting issue 8695 states it of IOS)
flag ip ssh <...> <x> ; no full ; stage 90 ; danger SSH access ; management
section ip ssh pubkey-chain ; opens ssh-keys ; stage 90
single ip ssh <version|time-out|authentication-retries|source-interface|bulk-mode|maxstartups|port> ... ; stage 90 ; danger SSH access ; management
single ip ssh <server|client> algorithm <x> ... ; stage 90 ; danger SSH access ; management
single ip ssh <dh|rsa> ... ; stage 90 ; danger SSH access ; management
flag ip ssh <...> ; stage 90 ; danger SSH access ; management
flag ip scp server enable ; stage 90
single ip telnet <x> ... ; stage 90
flag ip rsvp <...>
single ip radius source-interface * ; stage 91
single ip radius source-interface ... ; stage 91
single ip tacacs source-interface ... ; stage 91
flag ip sla responder ; stage 61
flag ip sla enable <...> ; stage 61
single ip sla schedule <n> ... ; stage 61
single ip sla reaction-configuration <n> ... ; stage 61
list ip sla group schedule <...> ; stage 61
section ip sla <n> ; opens sla ; stage 60 ; change replace ; cascade ip sla schedule {0} ; source facts 4 and 9: the removal takes what belongs to it along, facts 4: a scheduled operation refuses edits
section ip access-list standard <n> ; opens acl ; stage 32 ; rival acl {0} ; danger traffic through it ; source facts 9: one name has one type
section ip access-list extended <n> ; opens acl ; stage 32 ; rival acl {0} ; danger traffic through it ; source facts 9: one name has one type
section ip access-list role-based <n> ; opens acl ; stage 32
section mac access-list extended <n> ; opens acl ; stage 32
section ipv6 access-list <n> ; opens acl ; stage 32 ; danger traffic through it
single ip access-list log-update threshold *
single ip access-list resequence <n> * * ; tags action
flag ip access-list <...>
section ip community-list standard <n> ; opens community-list ; stage 34
section ip community-list expanded <n> ; opens community-list ; stage 34
ordered ip <community-list|extcommunity-list|large-community-list> <standard|expanded> <n> <...> ; stage 34 ; tags listed ; source IP Routing: BGP, ip as-path access-list and ip community-list: the first entry that matches decides
ordered ip <community-list|extcommunity-list|large-community-list> <n> <...> ; stage 34 ; tags listed ; source IP Routing: BGP, ip as-path access-list and ip community-list: the first entry that matches decides
ordered ip as-path access-list <n> <...> ; stage 34 ; tags listed ; source IP Routing: BGP, ip as-path access-list and ip community-list: the first entry that matches decides
single ip prefix-list <n> description ... ; stage 34
single ip prefix-list <n> seq <#> ... ; no full ; stage 34 ; change remove ; once ; source facts 9: the old line goes right before the new one; IP Routing: BGP configuration guide, prefix lists: an empty list permits all; Insertion failed - prefix-list entry exists
single ipv6 prefix-list <n> description ... ; stage 34
single ipv6 prefix-list <n> seq <#> ... ; no full ; stage 34 ; change remove ; once ; source facts 9: the old line goes right before the new one; IP Routing: BGP configuration guide, prefix lists: an empty list permits all; Insertion failed - prefix-list entry exists
flag ip prefix-list sequence-number ; on ; source Command Default: enabled
single ip local policy route-map * ; stage 86
single ip local pool <n> ... ; stage 84
single ip explicit-path <...> ; no full
flag ip bgp-community new-format ; stage 15
flag ip options <...>
single ip tcp <x> ...
flag ip tcp <...>
single logging history ...
single logging trap ...
single logging facility *
single logging origin-id ...
single logging source-interface <i> vrf <v>
single logging source-interface *
list logging host <...>
section logging esm config ; opens ?
flag logging <...>
section arp <...> ; opens ?
list access-list <...> ; stage 32
list dialer-list <...> ; stage 66
single dialer watch-list <...> ; no full ; stage 66
section route-map <n> permit|deny <seq> ; opens route-map ; stage 52
section route-map <n> ; opens route-map ; stage 52
flag nls <...> ; made ; source facts 8, rule 15: made by the device
single snmp-server engineID local *
single snmp-server group <n> <version> ... ; no full ; change remove ; stage 88 ; source facts 9: the old line goes right before the new one
single snmp-server view <n> <oid> ... ; stage 87
list snmp-server user <...> ; stage 89
single snmp-server community <c> ... ; stage 88
single snmp-server trap-source *
single snmp-server source-interface <informs|traps> *
single snmp-server location ...
single snmp-server contact ...
single snmp-server chassis-id ...
single snmp-server packetsize *
single snmp-server queue-length *
single snmp-server system-shutdown
flag snmp-server ifindex persist
single snmp-server tftp-server-list *
single snmp-server enable traps snmp ...
list snmp-server enable traps <...>
flag snmp-server enable traps
list snmp-server host <...> ; stage 89
list snmp-server context <...> ; stage 87
flag snmp-server <...>
section snmp mib community-map <...> ; opens ?
flag snmp mib <...>
flag snmp <...>
section tacacs server <n> ; opens tacacs ; stage 51 ; danger login may depend on the server ; management ; only_removed
single tacacs-server host <h> ... ; stage 51
single tacacs-server key ... ; stage 51
single tacacs-server timeout * ; stage 51
flag tacacs-server <...> ; stage 51
section radius server <n> ; opens radius ; stage 51 ; danger login may depend on the server ; management ; only_removed
single radius-server host <h> ... ; stage 51
single radius-server key ... ; stage 51
list radius-server attribute <...> ; stage 91
single radius-server dead-criteria ... ; stage 91
single radius-server <timeout|retransmit|deadtime|retry> ... ; stage 91
flag radius-server <...> ; stage 91
flag mpls ldp router-id <...>
section control-plane ; opens control-plane ; made ; stage 75 ; source facts 8, rule 15: made by the device
section control-plane <host|transit|cef-exception> ; opens control-plane ; stage 75
flag mgcp <...> ; made ; source facts 8, rule 15: made by the device
section mgcp profile <n> ; opens ? ; made ; source facts 8, rule 15: made by the device
section voice <...> ; opens voice ; stage 60
section voice-port <...> ; opens voice ; fixed ; source facts 10: cannot be removed
section dspfarm profile <...> ; opens voice ; stage 60
section dial-peer voice <n> * ; opens voice ; stage 72
section dial-peer <...> ; opens voice ; stage 72
section sip-ua ; opens voice
section gatekeeper ; opens voice
section gateway ; opens voice
section telephony-service ; opens voice
section ephone <...> ; opens voice
section ephone-dn <...> ; opens voice
section call-manager-fallback ; opens voice
section sccp ccm group <n> ; opens voice
list sccp <...>
flag ccm-manager <...>
single alias <mode> <name> ...
block banner <motd|login|exec|incoming|slip-ppp|prompt-timeout|config-save> ... ; stage 90
section line <con|aux> <n> ; opens line ; stage 95 ; fixed ; danger access to the device ; source facts 10: cannot be removed
section line vty <a> <b> ; opens line ; stage 95 ; fixed ; danger access to the device ; source facts 10: cannot be removed
section line vty <a> ; opens line ; stage 95 ; fixed ; danger access to the device ; source facts 10: cannot be removed
section line <...> ; opens line ; stage 95 ; fixed ; danger access to the device ; source facts 10: cannot be removed
single netconf <x> [...]
flag netconf <...>
flag netconf-yang
flag netconf-yang <...>
flag restconf
section telemetry ietf subscription <n> ; opens telemetry ; stage 92
flag scheduler <...> ; made ; source facts 8, rule 15: made by the device
single exception <...> ; no full
single ntp authentication-key <n> ... ; stage 90
flag ntp authenticate ; stage 91
list ntp trusted-key <...> ; stage 91
single ntp source * ; stage 90
single ntp master [...] ; stage 90
single ntp access-group <peer|serve|serve-only|query-only> * ; stage 90
single ntp access-group ipv4 <x> * ; stage 90
single ntp maxdistance * ; stage 90
single ntp <server|peer> vrf <v> ip <h> ... ; stage 91
single ntp <server|peer> vrf <v> <h> [...] ; stage 91
single ntp <server|peer> ip <h> ... ; stage 91
single ntp <server|peer> <h> [...] ; stage 91
flag ntp <...> ; stage 90
single privilege <mode> level <l> <...> ; no full
single privilege <mode> all level <l> <...> ; no full
single event manager environment <n> ... ; stage 92
list event manager directory <...>
list event manager policy <...>
single event manager history ...
single event manager session ...
section event manager applet <n> [...] ; opens applet ; stage 93
single mac address-table aging-time ...
list mac address-table <...>
single mac-address-table aging-time ...
list mac-address-table <...>
list monitor session <...> ; stage 92
section wsma <...> ; opens ?
section onep ; opens ?
flag authentication <...>
flag auto <...>
flag port-channel <...>
single port-channel load-balance ...
flag power <...>
flag environment <...>
flag fabric <...>
flag profile <...>
flag udld <...>
flag storm-control <...>
flag system <...>
single system mtu ...
flag vstack
flag file <...>
flag ethernet <...>
flag ipv6 ioam <...>
flag ipv6 pim <...>
flag wireless <...>
flag ap <...>
flag avb
flag iox
list app-hosting <...>
flag ip dns <...>
flag crypto logging <...>
flag nmsp <...>
flag tftp-server <...>
flag stackwise-virtual
flag isis <...>
flag frame-relay <...>
flag x25 <...>
flag isdn <...>
flag software <...>
flag upgrade <...>
flag xconnect <...>
flag sampler <...>
""",
)
