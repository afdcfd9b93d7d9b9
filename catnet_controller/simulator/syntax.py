"""The configuration commands the simulated IOS understands: one row per form, grouped by mode.

Notation: see `grammar`. Forms after the Cisco IOS 15 and IOS-XE 16 command references; keywords as
`show running-config` prints them. What a command does to the configuration is not said here: that
knowledge is in the room ios.
"""

# ruff: noqa: E501  a row is one line, however long

from collections.abc import Mapping
from functools import cache

from catnet_controller.simulator.grammar import Mode, Row

PROMPTS: Mapping[str, str] = {
    "config": "config",
    "if": "config-if",
    "subif": "config-subif",
    "range": "config-if-range",
    "router": "config-router",
    "rip": "config-router",
    "bgp": "config-router",
    "router-af": "config-router-af",
    "eigrp-named": "config-router",
    "eigrp-af": "config-router-af",
    "eigrp-if": "config-router-af-interface",
    "eigrp-topo": "config-router-af-topology",
    "peer-policy": "config-router-ptmp",
    "peer-session": "config-router-stmp",
    "line": "config-line",
    "vlan": "config-vlan",
    "std-acl": "config-std-nacl",
    "ext-acl": "config-ext-nacl",
    "v6-acl": "config-ipv6-acl",
    "route-map": "config-route-map",
    "cmap": "config-cmap",
    "pmap": "config-pmap",
    "pmap-c": "config-pmap-c",
    "vrf": "config-vrf",
    "vrf-af": "config-vrf-af",
    "old-vrf": "config-vrf",
    "archive": "config-archive",
    "archive-log": "config-archive-log-cfg",
    "keychain": "config-keychain",
    "key": "config-keychain-key",
    "tacacs-group": "config-sg-tacacs+",
    "radius-group": "config-sg-radius",
    "tacacs": "config-server-tacacs",
    "radius": "config-radius-server",
    "dhcp": "dhcp-config",
    "sla": "config-ip-sla",
    "sla-echo": "config-ip-sla-echo",
    "track": "config-track",
    "trustpoint": "ca-trustpoint",
    "certchain": "config-cert-chain",
    "control-plane": "config-cp",
    "redundancy": "config-red",
    "ssh-keys": "conf-ssh-pubkey",
    "ssh-user": "conf-ssh-pubkey-user",
    "opaque": "config-section",
    "flow-monitor": "config-flow-monitor",
    "applet": "config-applet",
    "ogroup-net": "config-network-group",
    "ogroup-svc": "config-service-group",
    "isakmp": "config-isakmp",
    "transform": "cfg-crypto-trans",
    "ipsec-profile": "ipsec-profile",
    "mst": "config-mst",
}
"""What stands in the brackets of the prompt, by mode."""

_ACE = """
    (permit|deny) (ip|gre|esp|ahp|igmp|ospf|eigrp|pim|ipinip|nos|pcp|<0-255>) (any|host IP|object-group WORD|IP IP) (any|host IP|object-group WORD|IP IP) {fragments|log|log-input|dscp WORD|precedence WORD|tos WORD|time-range WORD|option WORD}
    (permit|deny) (tcp|udp) (any|host IP|object-group WORD|IP IP) [(eq|gt|lt|neq) WORD {WORD}|range WORD WORD] (any|host IP|object-group WORD|IP IP) [(eq|gt|lt|neq) WORD {WORD}|range WORD WORD] {established|ack|fin|psh|rst|syn|urg|fragments|log|log-input|dscp WORD|precedence WORD|time-range WORD}
    (permit|deny) icmp (any|host IP|object-group WORD|IP IP) (any|host IP|object-group WORD|IP IP) {echo|echo-reply|unreachable|time-exceeded|ttl-exceeded|packet-too-big|port-unreachable|host-unreachable|net-unreachable|redirect|source-quench|parameter-problem|traceroute|administratively-prohibited|<0-255>|fragments|log|log-input|dscp WORD}
    (permit|deny) object-group WORD (any|host IP|object-group WORD|IP IP) (any|host IP|object-group WORD|IP IP) {log|log-input}
"""

_NUMBERED = "\n".join(
    f"access-list (<100-199>|<2000-2699>) {row.strip()}" for row in _ACE.strip().splitlines()
)

_ROWS: Mapping[str, str] = {
    "config": """
        version WORD
        hostname WORD
        service (pad|tcp-keepalives-in|tcp-keepalives-out|password-encryption|sequence-numbers|dhcp|finger|config|compress-config|call-home|internal|udp-small-servers|tcp-small-servers|unsupported-transceiver|linenumber|counters max age <0-60>)
        service timestamps ~ (debug|log) ~ [datetime {msec|localtime|show-timezone|year}|uptime]
        platform LINE
        license LINE
        boot system LINE
        boot-start-marker
        boot-end-marker
        config-register HEX
        memory LINE
        diagnostic LINE
        transceiver type all => config
        enable (secret|password) ~ [level <1-15>] [(0|4|5|6|7|8|9)] WORD
        username WORD ~ {privilege <0-15>|view WORD|access-class WORD|nopassword|noescape|nohangup|one-time|autocommand LINE|(password|secret|algorithm-type (md5|scrypt|sha256) secret|common-criteria-policy WORD password) [(0|4|5|6|7|8|9)] WORD}
        aaa new-model
        aaa session-id ~ (common|unique)
        aaa local authentication LINE
        aaa common-criteria policy WORD
        aaa group server tacacs+ WORD => tacacs-group
        aaa group server radius WORD => radius-group
        aaa authentication (login|enable|dot1x|ppp|arap) (default|WORD) ~ {group WORD|local|local-case|enable|line|none|krb5|if-needed}
        aaa authentication (username-prompt|password-prompt) ~ WORD
        aaa authentication attempts login <1-25>
        aaa authorization (console|config-commands)
        aaa authorization (exec|network|auth-proxy|reverse-access|configuration|credential-download) (default|WORD) ~ {group WORD|local|none|if-authenticated}
        aaa authorization commands <0-15> (default|WORD) ~ {group WORD|local|none|if-authenticated}
        aaa accounting (exec|network|connection|system|dot1x|identity) (default|WORD) ~ {start-stop|stop-only|none|group WORD|broadcast}
        aaa accounting commands <0-15> (default|WORD) ~ {start-stop|stop-only|none|group WORD|broadcast}
        aaa accounting update ~ [newinfo] [periodic <1-35791>]
        aaa server radius dynamic-author => opaque
        tacacs server WORD => tacacs
        radius server WORD => radius
        tacacs-server LINE
        radius-server LINE
        ip tacacs source-interface ~ IFACE [vrf WORD]
        ip radius source-interface ~ IFACE [vrf WORD]
        clock timezone ~ WORD NUM [<0-59>]
        clock timezone ~ WORD LINE
        clock summer-time ~ WORD (recurring|date) [LINE]
        clock calendar-valid
        vrf definition WORD => vrf
        ip vrf WORD => old-vrf
        ip domain-lookup [source-interface IFACE]
        ip domain-name ~ [vrf WORD] WORD
        ip domain lookup [source-interface IFACE]
        ip domain name ~ [vrf WORD] WORD
        ip domain list ~ [vrf WORD] WORD
        ip domain-list ~ [vrf WORD] WORD
        ip name-server ~ [vrf WORD] IP {IP}
        ip host ~ [vrf WORD] WORD {IP}
        ip routing
        ip cef [distributed]
        ip source-route
        ip subnet-zero
        ip classless
        ip finger
        ip bootp server
        ip gratuitous-arps
        ip multicast-routing [distributed|vrf WORD|vrf WORD distributed]
        ip default-gateway ~ IP
        ip default-network IP
        ip forward-protocol (nd|spanning-tree|udp ~ [WORD])
        ip http (server|secure-server)
        ip http authentication ~ (local|aaa|enable)
        ip http access-class ~ [ipv4] WORD
        ip http (port|secure-port) ~ <1-65535>
        ip http max-connections ~ <1-50>
        ip http timeout-policy ~ LINE
        ip http client source-interface ~ IFACE
        ip http (active-session-modules|secure-active-session-modules) ~ WORD
        ip ssh version ~ <1-2>
        ip ssh (time-out|timeout) ~ <1-120>
        ip ssh authentication-retries ~ <0-5>
        ip ssh source-interface ~ IFACE
        ip ssh pubkey-chain => ssh-keys
        ip ssh (rsa keypair-name WORD|dscp <0-63>|maxstartups <2-128>|logging events|dh min size WORD|time-out <1-120>)
        ip ssh (server|client) algorithm (encryption|mac|kex|hostkey|authentication|publickey) ~ WORD {WORD}
        ip scp server enable
        ip (ftp|tftp) source-interface ~ IFACE
        ip ftp (username|password) ~ LINE
        ip tcp (synwait-time|window-size|path-mtu-discovery|selective-ack|timestamp|mss) ~ [NUM]
        ip arp inspection LINE
        ip dhcp excluded-address [vrf WORD] IP [IP]
        ip dhcp pool WORD => dhcp
        ip dhcp snooping
        ip dhcp snooping vlan ~ VLANS
        ip dhcp snooping (information option|verify mac-address|database LINE)
        ip dhcp (relay LINE|binding LINE|bootp ignore|conflict logging|ping packets <0-10>|use LINE)
        ip igmp LINE
        ip pim LINE
        ip nat LINE
        ip dns LINE
        ip sla <1-2147483647> => sla
        ip sla schedule <1-2147483647> ~ {life (forever|NUM)|start-time (now|pending|after TIME|TIME)|ageout NUM|recurring}
        ip sla responder
        ip flow-export LINE
        ip flow-cache LINE
        ip community-list (<1-99>|<100-500>|standard WORD|expanded WORD) ~ (permit|deny) LINE
        ip as-path access-list <1-500> ~ (permit|deny) LINE
        ip prefix-list WORD ~ [seq <1-4294967294>] (permit|deny) PREFIX {ge <1-32>|le <1-32>}
        ip prefix-list WORD description ~ LINE
        ip prefix-list sequence-number
        ipv6 prefix-list WORD ~ [seq <1-4294967294>] (permit|deny) PREFIX6 {ge <1-128>|le <1-128>}
        ipv6 prefix-list WORD description ~ LINE
        ip route [vrf WORD] IP MASK (IFACE [IP]|IP) {<1-255>|tag NUM|name WORD|track <1-1000>|permanent|global|dhcp}
        ipv6 route [vrf WORD] PREFIX6 (IFACE [IP6]|IP6) {<1-254>|tag NUM|name WORD|track <1-1000>}
        ipv6 unicast-routing
        ipv6 multicast-routing
        ipv6 cef [distributed]
        ipv6 nd LINE
        ipv6 router ospf <1-65535> => router
        ipv6 router eigrp <1-65535> => router
        ipv6 access-list WORD => v6-acl
        ip access-list standard WORD => std-acl
        ip access-list extended WORD => ext-acl
        ip access-list resequence WORD <1-2147483647> <1-2147483647>
        ip access-list (log-update|logging) LINE
        ip local LINE
        ip rsvp LINE
        ip wccp LINE
        ip accounting LINE
        ip device tracking [LINE]
        ip verify LINE
        ip icmp LINE
        ip explicit-path LINE => opaque
        access-list (<1-99>|<1300-1999>) ~ (permit|deny) (any|host IP|IP IP|IP) [log]
        access-list (<1-199>|<1300-2699>) ~ remark LINE
        access-list (<100-199>|<2000-2699>) ~
        """
    + _NUMBERED
    + """
        object-group network WORD => ogroup-net
        object-group service WORD => ogroup-svc
        interface IFACE [point-to-point|multipoint] => if
        vlan VLANS => vlan
        vlan internal allocation policy (ascending|descending)
        vlan dot1q tag native
        vtp (domain WORD|mode (server|client|transparent|off)|version <1-3>|password WORD|pruning)
        switch <1-9> (provision WORD|priority <1-15>|renumber <1-9>)
        spanning-tree mode ~ (pvst|rapid-pvst|mst)
        spanning-tree extend system-id
        spanning-tree portfast [edge|network] [bpduguard default|bpdufilter default|default]
        spanning-tree loopguard default
        spanning-tree (logging|backbonefast|uplinkfast|etherchannel guard misconfig|pathcost method (long|short))
        spanning-tree vlan VLANS ~ [priority ~ <0-61440>|root (primary|secondary)|hello-time ~ <1-10>|forward-time ~ <4-30>|max-age ~ <6-40>]
        spanning-tree mst configuration => mst
        spanning-tree mst VLANS priority ~ <0-61440>
        errdisable (recovery|detect) (cause WORD|interval <30-86400>)
        udld (enable|aggressive|message time <1-90>)
        mac address-table LINE
        mac access-list extended WORD => opaque
        mls LINE
        qos LINE
        port-channel load-balance ~ WORD
        lldp run
        lldp (timer|holdtime|reinit) ~ NUM
        cdp run
        cdp (timer|holdtime) ~ <5-255>
        cdp (advertise-v2|source-interface IFACE|log mismatch duplex)
        arp [vrf WORD] IP MAC arpa [IFACE]
        arp timeout NUM
        system mtu [routing|jumbo] <1500-9216>
        multilink bundle-name ~ WORD
        subscriber templating
        subscriber LINE
        class-map [type (inspect|control subscriber|traffic)] [match-any|match-all] WORD => cmap
        policy-map [type (inspect|control subscriber|performance-monitor)] WORD => pmap
        zone security WORD
        zone-pair security WORD source WORD destination WORD => opaque
        track <1-1000> ~ (interface IFACE (line-protocol|ip routing)|ip route IP MASK reachability|ip sla <1-2147483647> [reachability|state]|list boolean (and|or)|stub-object) => track
        key chain WORD => keychain
        key config-key LINE
        password encryption aes
        login (block-for <1-65535> attempts <1-65535> within <1-65535>|on-failure [log|trap]|on-success [log|trap]|delay <1-10>|quiet-mode access-class WORD)
        security (passwords min-length <0-16>|authentication failure rate <2-1024> log)
        crypto pki trustpoint WORD => trustpoint
        crypto pki certificate chain WORD => certchain
        crypto pki (server|certificate map|token|profile) LINE
        crypto key LINE
        crypto isakmp policy <1-10000> => isakmp
        crypto isakmp key [(0|6)] WORD (address|hostname) LINE
        crypto isakmp (keepalive LINE|aggressive-mode disable|invalid-spi-recovery|identity WORD|enable)
        crypto ipsec transform-set WORD ~ WORD {WORD|<128-256>} => transform
        crypto ipsec profile WORD => ipsec-profile
        crypto ipsec (security-association LINE|df-bit WORD|fragmentation WORD)
        crypto ikev2 (proposal|policy|keyring|profile|authorization policy|client configuration) WORD => opaque
        crypto ikev2 (http-url|dpd|nat|limit|cookie-challenge|fragmentation|window|diagnose|certificate-cache|redirect) LINE
        crypto isakmp profile WORD => opaque
        crypto keyring WORD [vrf WORD] => opaque
        crypto dynamic-map WORD NUM => opaque
        crypto map WORD NUM ipsec-isakmp [dynamic WORD|profile WORD] => opaque
        crypto map LINE
        crypto engine LINE
        router ospf <1-65535> [vrf WORD] => router
        router ospfv3 <1-65535> => router
        router eigrp <1-65535> => router
        router eigrp WORD => eigrp-named
        router rip => rip
        router isis [WORD] => router
        router bgp ASN => bgp
        route-map WORD ~ [permit|deny] [<0-65535>] => route-map
        mpls (ip|label LINE|ldp LINE|traffic-eng LINE)
        l2vpn LINE => opaque
        snmp-server community WORD ~ {view WORD|'RO'|'RW'|ipv6 WORD|<1-99>|<1300-1999>|WORD}
        snmp-server (location|contact|chassis-id) ~ LINE
        snmp-server host IP ~ [vrf WORD] [informs|traps] [version (1|2c|3 (auth|noauth|priv))] WORD {WORD}
        snmp-server enable traps ~ [LINE]
        snmp-server (trap-source|source-interface LINE|trap-timeout) ~ [IFACE|NUM]
        snmp-server (group|user|view|engineID|ifindex|packetsize|queue-length|system-shutdown|tftp-server-list|file-transfer|inform|manager|cache|drop|trap) ~ [LINE]
        snmp-server
        snmp ifmib ifindex persist
        snmp LINE
        logging host IP ~ [vrf WORD] {transport (udp|tcp) [port <1-65535>]|discriminator WORD|sequence-num-session|session-id WORD}
        logging IP
        logging buffered ~ {<4096-2147483647>|<0-7>|emergencies|alerts|critical|errors|warnings|notifications|informational|debugging|discriminator WORD}
        logging (console|monitor|trap|history) ~ [<0-7>|emergencies|alerts|critical|errors|warnings|notifications|informational|debugging]
        logging facility ~ WORD
        logging source-interface ~ IFACE [vrf WORD]
        logging (on|userinfo|count|rate-limit LINE|origin-id LINE|exception NUM|file LINE|queue-limit LINE|event LINE|esm LINE|discriminator LINE|snmp-authfail|synchronous|persistent LINE|buginf|cns-events LINE|snmp-trap LINE)
        ntp server ~ [vrf WORD] [ip|ipv6] (IP|IP6|WORD) {version <1-4>|key NUM|source IFACE|prefer|burst|iburst|minpoll <4-17>|maxpoll <4-17>}
        ntp peer ~ [vrf WORD] (IP|IP6|WORD) {version <1-4>|key NUM|source IFACE|prefer|burst|iburst}
        ntp source ~ IFACE
        ntp authentication-key NUM ~ md5 WORD [NUM]
        ntp (authenticate|trusted-key NUM|master ~ [<1-15>]|update-calendar|logging|max-associations NUM|passive|panic update)
        ntp access-group [ipv4|ipv6] (peer|serve|serve-only|query-only) ~ WORD [kod]
        ntp clock-period NUM
        ntp
        archive => archive
        redundancy => redundancy
        control-plane => control-plane
        control-plane (host|transit|cef-exception) => control-plane
        configuration mode exclusive ~ [auto|manual]
        parser view WORD => opaque
        parser (config cache interface|command serializer|cache)
        file prompt ~ (alert|noisy|quiet)
        alias (exec|configure|interface) WORD ~ LINE
        privilege (exec|configure|interface) LINE
        banner (motd|login|exec|incoming|prompt-timeout|slip-ppp) ~ LINE
        macro (name WORD|global LINE|auto LINE)
        event manager applet WORD {authorization bypass|class WORD|trap} => applet
        event manager (environment|session|directory|scheduler|history|policy) LINE
        flow (record|exporter|monitor|sampler) WORD => flow-monitor
        flow (record|exporter|monitor) type LINE => flow-monitor
        netconf-yang [LINE]
        netconf (ssh|max-sessions NUM|lock-time NUM)
        restconf
        call-home => opaque
        cns LINE
        scheduler (allocate ~ NUM NUM|interval NUM|max-task-time NUM)
        process cpu LINE
        exception LINE
        mmi LINE
        template WORD => if
        service-template WORD => opaque
        access-session LINE
        segment-routing mpls => opaque
        bridge-domain NUM => opaque
        pseudowire-class WORD => opaque
        telemetry ietf subscription NUM => opaque
        virtual-service WORD => opaque
        app-hosting appid WORD => opaque
        vlan configuration VLANS => opaque
        sampler WORD => opaque
        ap profile LINE => opaque
        wlan LINE => opaque
        mgcp LINE
        monitoring
        aqm-register-fnf
        sdm prefer LINE
        ethernet LINE
        ip extcommunity-list (NUM|standard WORD|expanded WORD) ~ (permit|deny) LINE
        ip bgp-community new-format
        ip dhcp smart-relay
        ip http session-idle-timeout ~ NUM
        ip ssh bulk-mode [NUM]
        ipv6 (ioam|pim|mld|dhcp|flowset|neighbor|host|local|icmp|source-route|hop-limit|general-prefix) LINE
        device-tracking policy WORD => opaque
        device-tracking LINE
        dot1x (system-auth-control|critical eapol|LINE)
        authentication LINE
        table-map WORD => opaque
        nmsp LINE
        stackwise-virtual
        power redundancy-mode WORD
        hw-module LINE
        card type LINE
        voice LINE => opaque
        voice-card NUM => opaque
        dial-peer voice NUM LINE => opaque
        sip-ua => opaque
        telephony-service => opaque
        standby redirects
        bfd LINE
        bfd-template LINE => opaque
        kron LINE
        time-range WORD => opaque
        prompt LINE
        tftp-server LINE
        default-value LINE
        line console <0-0> => line
        line (con|aux) <0-0> => line
        line vty <0-1869> [<1-1869>] => line
        line <0-1869> [<1-1869>] => line
    """,
    "if": """
        description ~ LINE
        ip address ~ IP MASK [secondary]
        ip address dhcp [client-id IFACE] [hostname WORD]
        ip address negotiated
        ip unnumbered ~ IFACE
        ip access-group (WORD) ~ (in|out)
        ip helper-address ~ [vrf WORD|global] IP
        ip (redirects|unreachables|proxy-arp|mask-reply|directed-broadcast|route-cache [cef|flow]|local-proxy-arp|split-horizon [eigrp ASN]|mroute-cache|load-sharing WORD)
        ip mtu ~ <68-9216>
        ip tcp adjust-mss ~ <500-9000>
        ip policy route-map ~ WORD
        ip verify (unicast|source) LINE
        ip nat (inside|outside|enable)
        ip nbar protocol-discovery
        ip flow (ingress|egress|monitor LINE)
        ip flow monitor WORD (input|output)
        ip virtual-reassembly [in|out]
        ip pim (sparse-mode|dense-mode|sparse-dense-mode|passive|dr-priority NUM|query-interval NUM|bfd)
        ip igmp (version <1-3>|snooping LINE|join-group IP|query-interval NUM|helper-address IP)
        ip bandwidth-percent eigrp LINE
        ip (hello-interval|hold-time|summary-address|authentication) LINE
        ip ospf <1-65535> area (IP|NUM)
        ip ospf cost ~ <1-65535>
        ip ospf priority ~ <0-255>
        ip ospf network ~ (broadcast|non-broadcast|point-to-multipoint [non-broadcast]|point-to-point)
        ip ospf (hello-interval|dead-interval|retransmit-interval|transmit-delay) ~ NUM
        ip ospf dead-interval minimal hello-multiplier <3-20>
        ip ospf authentication ~ [message-digest|null|key-chain WORD]
        ip ospf authentication-key ~ [(0|7)] WORD
        ip ospf message-digest-key <1-255> ~ md5 [(0|7)] WORD
        ip ospf (mtu-ignore|bfd|demand-circuit|database-filter all out|flood-reduction|shutdown|resync-timeout NUM)
        ip rip (send|receive|authentication|v2-broadcast) LINE
        ip router isis [WORD]
        ip nhrp LINE
        ip dhcp (snooping (trust|limit rate NUM)|relay LINE|client LINE)
        ip arp inspection (trust|limit LINE)
        ip vrf forwarding ~ WORD
        vrf forwarding ~ WORD
        ipv6 enable
        ipv6 address ~ (PREFIX6|IP6 link-local|PREFIX6 eui-64|autoconfig|dhcp)
        ipv6 traffic-filter ~ WORD (in|out)
        ipv6 (nd|dhcp|ospf|eigrp|mtu|pim|mld|verify|redirects|unreachables|unnumbered|router) ~ [LINE]
        ospfv3 LINE
        isis LINE
        shutdown
        bandwidth ~ <1-100000000>
        delay ~ <1-16777215>
        mtu ~ <64-9216>
        speed ~ (10|100|1000|2500|5000|10000|auto [WORD]|nonegotiate)
        duplex ~ (auto|full|half)
        media-type ~ (rj45|sfp|auto-select|gbic)
        autostate
        encapsulation mpls
        service instance NUM ethernet [WORD] => opaque
        negotiation auto
        load-interval ~ <30-600>
        carrier-delay ~ [msec] <0-60000>
        hold-queue ~ <0-4096> (in|out)
        keepalive ~ [<0-32767>] [<1-255>]
        cdp (enable|log mismatch duplex|tlv WORD)
        lldp (transmit|receive)
        mop (enabled|sysid)
        snmp trap link-status [permit duplicates]
        snmp trap LINE
        logging event ~ (link-status|trunk-status|bundle-status|spanning-tree|power-inline-status)
        encapsulation dot1Q <1-4094> [native|second-dot1q LINE]
        encapsulation (ppp|hdlc|frame-relay)
        ppp (authentication|chap|pap|multilink|ipcp|timeout) ~ LINE
        peer default ip address LINE
        dialer LINE
        dialer-group <1-128>
        pppoe LINE
        pppoe-client LINE
        clock rate ~ NUM
        fair-queue
        tx-ring-limit NUM
        dampening
        service-policy (input|output) ~ WORD
        service-policy type LINE
        standby version ~ <1-2>
        standby (delay LINE|bfd|redirect LINE|use-bia)
        standby [<0-4095>] ip ~ [IP] [secondary]
        standby [<0-4095>] ipv6 (IP6|PREFIX6|autoconfig)
        standby [<0-4095>] (priority ~ <0-255>|preempt ~ [delay LINE]|name ~ WORD|mac-address ~ MAC|follow ~ WORD)
        standby [<0-4095>] timers ~ (<1-254>|msec NUM) (<1-255>|msec NUM)
        standby [<0-4095>] authentication ~ (md5 key-string [(0|7)] WORD|md5 key-chain WORD|text WORD|WORD)
        standby [<0-4095>] track (<1-1000>|IFACE) ~ [decrement <1-255>|shutdown|<1-255>]
        vrrp LINE
        glbp LINE
        tunnel source ~ (IP|IFACE|IP6)
        tunnel destination ~ (IP|IP6|dynamic|WORD)
        tunnel mode ~ (gre (ip|ipv6|multipoint)|ipsec (ipv4|ipv6)|ipip|ipv6ip)
        tunnel (key NUM|vrf WORD|path-mtu-discovery|checksum|protection LINE|ttl <1-255>|tos <0-255>|route-via LINE|bandwidth LINE)
        crypto map WORD
        zone-member security ~ WORD
        bfd (interval <50-9999> min_rx <50-9999> multiplier <3-50>|echo|template WORD)
        mpls (ip|mtu NUM|label LINE|ldp LINE|bgp forwarding|traffic-eng LINE)
        xconnect LINE
        channel-group ~ <1-512> mode (on|active|passive|auto [non-silent]|desirable [non-silent])
        channel-protocol (lacp|pagp)
        lacp (rate (fast|normal)|port-priority NUM|min-links NUM|max-bundle NUM|fast-switchover)
        port-channel LINE
        switchport
        switchport mode ~ (access|trunk|dynamic (auto|desirable)|private-vlan LINE)
        switchport nonegotiate
        switchport access vlan ~ (<1-4094>|dynamic|name WORD)
        switchport voice vlan ~ (<1-4094>|dot1p|none|untagged)
        switchport trunk encapsulation ~ (dot1q|isl|negotiate)
        switchport trunk native vlan ~ <1-4094>
        switchport trunk allowed vlan ~ (all|none|add VLANS|remove VLANS|except VLANS|VLANS)
        switchport trunk pruning vlan LINE
        switchport (block (unicast|multicast)|protected|host|private-vlan LINE|autostate exclude)
        switchport port-security ~ [maximum ~ <1-8192> [vlan [access|voice|VLANS]]|violation ~ (protect|restrict|shutdown [vlan])|aging (time ~ <0-1440>|type ~ (absolute|inactivity)|static)|mac-address LINE|limit LINE]
        spanning-tree portfast ~ [disable|trunk|edge [trunk]|network]
        spanning-tree (bpduguard|bpdufilter) ~ (enable|disable)
        spanning-tree guard ~ (root|loop|none)
        spanning-tree link-type ~ (point-to-point|shared)
        spanning-tree (cost|port-priority) ~ NUM
        spanning-tree vlan VLANS (cost|port-priority) ~ NUM
        storm-control (broadcast|multicast|unicast) level ~ LINE
        storm-control action ~ (shutdown|trap)
        control-word ~ [(include|exclude)]
        udld port [aggressive|disable]
        authentication LINE
        access-session LINE
        dot1x LINE
        mab [eap]
        mls qos LINE
        mls LINE
        srr-queue LINE
        priority-queue out
        queue-set <1-2>
        auto qos LINE
        qos LINE
        trust device WORD
        macro (description|apply|auto) LINE
        power inline ~ LINE
        device-tracking LINE
        source template WORD
        nmsp LINE
        mdix auto
        flowcontrol (receive|send) (on|off|desired)
        arp (timeout NUM|arpa)
        backup (interface IFACE|delay LINE)
        evpn LINE
        l2protocol-tunnel [LINE]
    """,
    "vlan": """
        name ~ WORD
        shutdown
        state ~ (active|suspend)
        mtu ~ NUM
        remote-span
        private-vlan LINE
    """,
    "std-acl": """
        [<1-2147483647>] (permit|deny) (any|host IP|IP IP|IP) [log]
        [<1-2147483647>] remark LINE
        <1-2147483647> ~
    """,
    "ext-acl": "\n".join(f"[<1-2147483647>] {row.strip()}" for row in _ACE.strip().splitlines())
    + """
        [<1-2147483647>] remark LINE
        [<1-2147483647>] evaluate WORD
        <1-2147483647> ~
    """,
    "v6-acl": """
        [sequence <1-4294967294>] (permit|deny) (ipv6|icmp|tcp|udp|esp|ahp|sctp|hbh|pcp|<0-255>) (any|host IP6|PREFIX6|object-group WORD) [(eq|gt|lt|neq) WORD|range WORD WORD] (any|host IP6|PREFIX6|object-group WORD) [LINE]
        [sequence <1-4294967294>] remark LINE
        sequence <1-4294967294> ~
    """,
    "router": """
        router-id ~ (IP)
        network IP IP area (IP|NUM)
        network IP [IP]
        area (IP|NUM) (stub [no-summary]|nssa [LINE]|authentication [message-digest]|range LINE|default-cost NUM|virtual-link LINE|filter-list LINE)
        passive-interface (default|IFACE)
        default-information originate ~ {always|metric NUM|metric-type <1-2>|route-map WORD}
        default-metric ~ NUM {NUM}
        redistribute (connected|static|rip|isis LINE|bgp ASN|ospf <1-65535>|eigrp <1-65535>|maximum-prefix NUM) ~ {metric NUM|metric-type <1-2>|subnets|tag NUM|route-map WORD|match {internal|external <1-2>|external|nssa-external}|NUM}
        distance ~ LINE
        distribute-list LINE
        auto-cost reference-bandwidth ~ NUM
        log-adjacency-changes [detail]
        max-metric router-lsa [LINE]
        max-lsa NUM
        maximum-paths ~ <1-32>
        neighbor IP ~ [LINE]
        summary-address LINE
        timers LINE
        area-password LINE
        nsf [LINE]
        bfd all-interfaces
        capability (vrf-lite|transit|lls|opaque)
        ispf
        prefix-suppression
        domain-id LINE
        mpls LINE
        passive-interface default
        shutdown
        auto-summary
        eigrp (router-id IP|stub [LINE]|log-neighbor-changes|log-neighbor-warnings LINE|event-log-size NUM)
        variance <1-128>
        metric weights LINE
        offset-list LINE
        net WORD
        is-type (level-1|level-1-2|level-2-only)
        metric-style LINE
        address-family (ipv4|ipv6) [unicast] [vrf WORD] => router-af
    """,
    "rip": """
        version <1-2>
        network IP
        passive-interface (default|IFACE)
        default-information originate [route-map WORD]
        default-metric NUM
        redistribute LINE
        distance LINE
        distribute-list LINE
        auto-summary
        timers basic LINE
        neighbor IP
        maximum-paths <1-32>
        offset-list LINE
        address-family ipv4 vrf WORD => router-af
    """,
    "bgp": """
        bgp nopeerup-delay LINE
        bgp (router-id IP|router-id vrf auto-assign|log-neighbor-changes|deterministic-med|always-compare-med|bestpath LINE|graceful-restart [LINE]|confederation LINE|cluster-id WORD|dampening [LINE]|default LINE|maxas-limit NUM|listen LINE|fast-external-fallover|enforce-first-as|asnotation dot|redistribute-internal|nexthop LINE|update-delay NUM|suppress-inactive|advertise-best-external|additional-paths LINE)
        timers bgp ~ NUM NUM [NUM]
        synchronization
        auto-summary
        template peer-policy WORD => peer-policy
        template peer-session WORD => peer-session
        address-family ipv4 [unicast|multicast|mdt] [vrf WORD] => router-af
        address-family ipv6 [unicast|multicast] [vrf WORD] => router-af
        address-family (vpnv4|vpnv6|rtfilter) [unicast|multicast] => router-af
        address-family l2vpn (evpn|vpls) => router-af
        %bgp
    """,
    "router-af": """
        bgp LINE
        import LINE
        advertise LINE
        synchronization
        router-id IP
        passive-interface (default|IFACE)
        default-router LINE
        %bgp
    """,
    "eigrp-named": """
        address-family (ipv4|ipv6) [unicast] [vrf WORD] autonomous-system <1-65535> => eigrp-af
        shutdown
    """,
    "eigrp-af": """
        af-interface (default|IFACE) => eigrp-if
        topology base => eigrp-topo
        network IP [IP]
        neighbor LINE
        eigrp (router-id IP|stub [LINE]|log-neighbor-changes|default-route-tag LINE)
        metric LINE
        timers LINE
        shutdown
        nsf
        maximum-prefix LINE
    """,
    "eigrp-if": """
        passive-interface
        authentication (mode (md5|hmac-sha-256 LINE)|key-chain WORD)
        hello-interval NUM
        hold-time NUM
        summary-address LINE
        split-horizon
        next-hop-self [LINE]
        bandwidth-percent NUM
        bfd
        shutdown
        add-paths NUM
        dampening-change [NUM]
    """,
    "eigrp-topo": """
        redistribute LINE
        distribute-list LINE
        default-metric LINE
        maximum-paths <1-32>
        variance <1-128>
        distance LINE
        auto-summary
        summary-metric LINE
        offset-list LINE
        timers LINE
    """,
    "peer-policy": """
        route-map WORD ~ (in|out)
        prefix-list WORD ~ (in|out)
        filter-list <1-500> ~ (in|out)
        (soft-reconfiguration inbound|send-community [both|extended|standard]|next-hop-self [all]|default-originate [route-map WORD]|route-reflector-client|maximum-prefix LINE|allowas-in [NUM]|as-override|send-label|inherit peer-policy WORD NUM|weight NUM)
    """,
    "peer-session": """
        (remote-as ASN|update-source IFACE|timers NUM NUM [NUM]|ebgp-multihop [NUM]|description LINE|password [(0|7)] WORD|version 4|fall-over [bfd]|shutdown|local-as ASN|inherit peer-session WORD|ttl-security hops NUM|transport LINE)
    """,
    "line": """
        exec-timeout ~ <0-35791> [<0-2147483>]
        session-timeout ~ NUM [output]
        absolute-timeout ~ NUM
        login ~ [local [tacacs]|authentication (default|WORD)]
        password ~ [(0|7)] WORD
        privilege level ~ <0-15>
        transport (input|output|preferred) ~ (all|none|{ssh|telnet|rlogin|pad|udptn|mop|acercon|lapb-ta|v120})
        access-class WORD ~ (in|out) [vrf-also|vrfname WORD]
        ipv6 access-class WORD ~ (in|out)
        logging synchronous ~ [level (all|<0-7>)] [limit NUM]
        length ~ <0-512>
        width ~ <0-512>
        history [size <0-256>]
        stopbits ~ (1|1.5|2)
        speed ~ NUM
        databits ~ NUM
        parity ~ WORD
        flowcontrol ~ LINE
        exec [prompt timestamp]
        exec-banner
        motd-banner
        modem LINE
        rotary NUM
        escape-character ~ LINE
        authorization (exec|commands <0-15>) (default|WORD)
        accounting (exec|commands <0-15>) (default|WORD)
        notify
        monitor
        refuse-message LINE
        autocommand LINE
        media-type WORD
        terminal-type WORD
        domain-lookup
        ip netmask-format LINE
    """,
    "route-map": """
        description ~ LINE
        match ip (address|next-hop|route-source) ~ [prefix-list] WORD {WORD}
        match ipv6 (address|next-hop|route-source) ~ [prefix-list] WORD {WORD}
        match (as-path|tag|metric|source-protocol|local-preference|mpls-label|length) ~ [LINE]
        match community ~ WORD {WORD}
        match extcommunity WORD
        match interface ~ IFACE {IFACE}
        match route-type ~ LINE
        set (local-preference|weight|tag|origin|metric-type|automatic-tag|level|traffic-index|dampening|interface|vrf|global|extcommunity|comm-list|mpls-label) ~ [LINE]
        set metric ~ WORD {NUM}
        set as-path ~ (prepend ASN {ASN}|prepend last-as NUM|tag)
        set community ~ {COMM|additive|none|no-export|no-advertise|local-as|internet|gshut}
        set ip next-hop ~ (IP {IP}|self|peer-address|verify-availability LINE|recursive LINE)
        set ip (default LINE|precedence WORD|df <0-1>|vrf LINE|global LINE)
        set ipv6 next-hop LINE
        continue ~ [<0-65535>]
    """,
    "cmap": """
        description ~ LINE
        match [not] access-group (name WORD|<1-2699>)
        match [not] (ip dscp|dscp|ip precedence|precedence|cos|protocol|any|input-interface|vlan|class-map|qos-group|discard-class|mpls|fr-dscp|application|packet|source-address|destination-address|method|authorization-status|result-type|activated-service-template|result|aaa) ~ [LINE]
        match LINE
    """,
    "pmap": """
        description ~ LINE
        class [type (inspect|control)] WORD => pmap-c
        event LINE => opaque
    """,
    "pmap-c": """
        class [type (inspect|control)] WORD => pmap-c
        set ~ (ip dscp|dscp|ip precedence|precedence|cos|qos-group|mpls experimental|fr-de|discard-class|atm-clp) ~ [WORD [LINE]]
        police ~ LINE
        bandwidth ~ LINE
        priority ~ [LINE]
        shape ~ LINE
        fair-queue ~ [LINE]
        queue-limit ~ LINE
        queue-buffers ~ LINE
        random-detect ~ [LINE]
        service-policy ~ WORD
        trust ~ LINE
        drop [log]
        pass [log]
        inspect [WORD]
        exceed-action LINE
        conform-action LINE
        violate-action LINE
        compression LINE
        account
    """,
    "vrf": """
        description ~ LINE
        rd ~ RT
        route-target (import|export|both) RT [stitching]
        address-family (ipv4|ipv6) [unicast|multicast] => vrf-af
        vpn id WORD
    """,
    "vrf-af": """
        route-target (import|export|both) RT [stitching]
        import (map WORD|LINE)
        export (map WORD|LINE)
        maximum routes LINE
        mdt LINE
        bgp next-hop LINE
        inter-as-hybrid [LINE]
    """,
    "old-vrf": """
        description ~ LINE
        rd ~ RT
        route-target (import|export|both) RT
        (import|export) map WORD
        maximum routes LINE
        vpn id WORD
    """,
    "archive": """
        path ~ WORD
        maximum ~ <1-14>
        write-memory
        time-period ~ <1-525600>
        rollback (filter adaptive|retry timeout NUM)
        log config => archive-log
    """,
    "archive-log": """
        logging (enable|size ~ <1-1000>|persistent [auto|reload])
        notify syslog [contenttype (plaintext|xml)]
        hidekeys
        record rc
    """,
    "keychain": """
        key <0-2147483647> => key
        description LINE
    """,
    "key": """
        key-string ~ [(0|6|7)] WORD
        (accept-lifetime|send-lifetime) ~ LINE
        cryptographic-algorithm ~ WORD
        key <0-2147483647> => key
    """,
    "tacacs-group": """
        server name WORD
        server IP [port NUM]
        server-private IP [LINE]
        ip tacacs source-interface ~ IFACE
        ip vrf forwarding WORD
        vrf WORD
    """,
    "radius-group": """
        server name WORD
        server IP [auth-port NUM] [acct-port NUM]
        server-private IP [LINE]
        ip radius source-interface ~ IFACE
        ip vrf forwarding WORD
        deadtime NUM
        load-balance LINE
        mac-delimiter WORD
        subscriber LINE
    """,
    "tacacs": """
        address (ipv4 IP|ipv6 IP6)
        key ~ [(0|6|7)] WORD
        (timeout|port) ~ NUM
        single-connection
    """,
    "radius": """
        address (ipv4 (IP|WORD)|ipv6 IP6) {auth-port NUM|acct-port NUM}
        key ~ [(0|6|7)] WORD
        (timeout|retransmit) ~ NUM
        automate-tester LINE
        pac key LINE
        non-standard
        backoff LINE
    """,
    "dhcp": """
        network ~ IP [MASK]
        host IP [MASK]
        default-router ~ IP {IP}
        dns-server ~ IP {IP}
        domain-name ~ WORD
        lease ~ (infinite|NUM [NUM] [NUM])
        option <0-254> [instance NUM] (ascii LINE|hex LINE|ip IP {IP})
        (client-identifier|hardware-address|client-name|bootfile|vrf|class|accounting) ~ LINE
        (netbios-name-server|next-server) ~ IP {IP}
        netbios-node-type ~ WORD
        (import all|update LINE|utilization LINE|relay LINE|address LINE|secondary LINE|subnet LINE)
    """,
    "sla": """
        icmp-echo (IP|IP6|WORD) [source-interface IFACE|source-ip IP] => sla-echo
        (udp-jitter|udp-echo|tcp-connect|http|dns|icmp-jitter|path-echo|dhcp) LINE => sla-echo
    """,
    "sla-echo": """
        (frequency|timeout|threshold|tos|request-data-size) ~ NUM
        tag ~ LINE
        owner ~ LINE
        vrf ~ WORD
        verify-data
        history LINE
    """,
    "track": """
        delay ~ {up NUM|down NUM}
        object <1-1000> [not|weight NUM]
        default-state (up|down)
        ip vrf WORD
    """,
    "trustpoint": """
        enrollment ~ LINE
        subject-name ~ LINE
        revocation-check ~ LINE
        rsakeypair ~ WORD [NUM] [NUM]
        (usage|fqdn|ip-address|serial-number|auto-enroll|hash|source|vrf|storage|chain-validation|fingerprint|password|match|primary|subject-alt-name|validation-usage|authorization|regenerate) ~ [LINE]
    """,
    "certchain": """
        certificate [ca|self-signed|ra-sign|ra-encrypt|rollover] HEX
    """,
    "ssh-keys": """
        username WORD => ssh-user
        server WORD => ssh-user
    """,
    "ssh-user": """
        key-hash (ssh-rsa|ssh-dss|ecdsa-sha2-nistp256|ecdsa-sha2-nistp384|ecdsa-sha2-nistp521|ssh-ed25519) WORD [LINE]
        username WORD => ssh-user
        server WORD => ssh-user
    """,
    "control-plane": """
        service-policy (input|output) ~ WORD
        management-interface LINE
        port-filter
    """,
    "redundancy": """
        mode (none|sso|rpr|rpr-plus|application)
        main-cpu
    """,
    "opaque": """
        LINE
    """,
    "flow-monitor": """
        LINE
    """,
    "applet": """
        event LINE
        action WORD ~ LINE
        description LINE
        trigger
    """,
    "ogroup-net": """
        host (IP|WORD)
        range IP IP
        group-object WORD
        description LINE
        any
        IP (MASK)
        PREFIX
    """,
    "ogroup-svc": """
        description LINE
        group-object WORD
        (tcp|udp|tcp-udp) [source ((eq|gt|lt) WORD|range WORD WORD|WORD)] [(eq|gt|lt) WORD|range WORD WORD|WORD]
        icmp [WORD]
        (ip|gre|esp|ahp|igmp|ospf|eigrp|pim|<0-255>)
    """,
    "isakmp": """
        (encr|encryption) ~ WORD [NUM]
        authentication ~ WORD
        group ~ NUM
        hash ~ WORD
        lifetime ~ NUM
    """,
    "transform": """
        mode ~ (tunnel|transport [require])
    """,
    "ipsec-profile": """
        set (transform-set WORD {WORD}|pfs WORD|ikev2-profile WORD|isakmp-profile WORD|security-association LINE|identity WORD)
        description LINE
        responder-only
    """,
    "mst": """
        name ~ WORD
        revision ~ <0-65535>
        instance <0-4094> ~ vlan VLANS
    """,
}

_BGP = """
    network IP [mask MASK] {route-map WORD|backdoor}
    network PREFIX6 [route-map WORD]
    aggregate-address (IP MASK|PREFIX6) {summary-only|as-set|attribute-map WORD|suppress-map WORD|advertise-map WORD}
    redistribute (connected|static|rip|isis LINE|ospf <1-65535> [vrf WORD]|eigrp <1-65535>|bgp ASN) ~ {metric NUM|route-map WORD|match {internal|external <1-2>|external|nssa-external}|include-connected}
    default-information originate
    default-metric ~ NUM
    distance ~ LINE
    maximum-paths ~ [ibgp|eibgp] <1-32>
    table-map WORD
    neighbor (IP|IP6|WORD) ~ remote-as ~ ASN
    neighbor (IP|IP6|WORD) peer-group ~ [WORD]
    neighbor (IP|IP6|WORD) description ~ LINE
    neighbor (IP|IP6|WORD) update-source ~ IFACE
    neighbor (IP|IP6|WORD) password ~ [(0|7)] WORD
    neighbor (IP|IP6|WORD) (activate|shutdown|as-override|route-reflector-client|disable-connected-check|bfd|version 4|dont-capability-negotiate|remove-private-as [all]|allow-policy)
    neighbor (IP|IP6|WORD) next-hop-self [all]
    neighbor (IP|IP6|WORD) send-community ~ [both|extended|standard]
    neighbor (IP|IP6|WORD) send-label
    neighbor (IP|IP6|WORD) soft-reconfiguration inbound
    neighbor (IP|IP6|WORD) (route-map|prefix-list|filter-list|distribute-list) WORD ~ (in|out)
    neighbor (IP|IP6|WORD) default-originate [route-map WORD]
    neighbor (IP|IP6|WORD) ebgp-multihop ~ [<1-255>]
    neighbor (IP|IP6|WORD) ttl-security hops ~ <1-254>
    neighbor (IP|IP6|WORD) timers ~ NUM NUM [NUM]
    neighbor (IP|IP6|WORD) weight ~ NUM
    neighbor (IP|IP6|WORD) local-as ~ ASN {no-prepend|replace-as|dual-as}
    neighbor (IP|IP6|WORD) maximum-prefix ~ NUM [NUM] [warning-only|restart NUM]
    neighbor (IP|IP6|WORD) allowas-in ~ [<1-10>]
    neighbor (IP|IP6|WORD) fall-over [bfd [LINE]]
    neighbor (IP|IP6|WORD) inherit (peer-policy|peer-session) ~ WORD
    neighbor (IP|IP6|WORD) transport LINE
    neighbor (IP|IP6|WORD) capability LINE
    neighbor (IP|IP6|WORD) advertise LINE
    neighbor (IP|IP6|WORD) additional-paths LINE
    neighbor (IP|IP6|WORD) advertisement-interval ~ NUM
    neighbor (IP|IP6|WORD) unsuppress-map ~ WORD
"""

LOOSE = frozenset({"opaque", "flow-monitor"})
"""Modes that take any line, except one that opens a section, or starts with one of `OUTER`."""

OUTER = frozenset(
    {
        "aaa", "access-list", "banner", "enable", "hostname", "ip", "ipv6", "logging", "ntp",
        "service", "snmp-server", "spanning-tree", "username",
    }
)  # fmt: skip

CLOSERS: Mapping[str, tuple[str, ...]] = {
    "router-af": ("exit-address-family",),
    "vrf-af": ("exit-address-family",),
    "eigrp-af": ("exit-address-family",),
    "eigrp-if": ("exit-af-interface",),
    "eigrp-topo": ("exit-af-topology",),
    "peer-policy": ("exit-peer-policy",),
    "peer-session": ("exit-peer-session",),
    "certchain": ("quit",),
    "opaque": ("quit", "exit-address-family", "exit-service-family", "exit-vrf"),
}
"""Words that leave a mode, besides ``exit``."""

_ALIASES: Mapping[str, str] = {"subif": "if", "range": "if"}


def rows(mode: str) -> tuple[Row, ...]:
    """The rows of a mode."""
    text = _ROWS[_ALIASES.get(mode, mode)].replace("%bgp", _BGP)
    made = []
    for line in text.splitlines():
        if not line.strip():
            continue
        form, _, opens = line.strip().partition(" => ")
        made.append(Row(text=form, opens=opens.strip() or None))
    return tuple(made)


@cache
def mode(name: str) -> Mode:
    """The compiled commands of a mode."""
    return Mode(rows(name))
