"""Rows of keys, certificates, tunnels and who may log in."""

# ruff: noqa: E501  (a row is one line)

from catnet_controller.ios.rows import Row, table
from catnet_controller.ios.tables.books import cite

ROWS: tuple[Row, ...] = (
    table(
        "aaa-group",
        cite,
        r"""
ordered server name <n>
ordered server-private <...>
ordered server <...>
single ip <radius|tacacs> source-interface ...
single ip vrf forwarding *
single vrf forwarding *
single deadtime *
single load-balance <...> ; no full
single accounting <...> ; no full
single authorization <...> ; no full
single attribute <...> ; no full
flag <...>
""",
    )
    + table(
        "aaa-accounting",
        cite,
        r"""
single action-type *
ordered group <n>
flag broadcast
""",
    )
    + table(
        "dynamic-author",
        cite,
        r"""
single client <a> vrf <v> ...
single client <a> ...
single server-key ...
single port *
single auth-type *
flag ignore <...>
""",
    )
    + table(
        "tacacs",
        cite,
        r"""
single address <f> ...
single key ...
single timeout *
single port *
flag single-connection
""",
    )
    + table(
        "radius",
        cite,
        r"""
single address <f> ...
single automate-tester ...
single key ...
single pac key ...
single timeout *
single retransmit *
flag non-standard
flag <...>
""",
    )
    + table(
        "line",
        cite,
        r"""
single session-timeout ...
single access-class * <in|out> [...] ; no full ; danger access to the device ; management
single ipv6 access-class * <in|out> [...] ; no full ; danger access to the device ; management
single exec-timeout ... ; default exec-timeout 10 0 ; no default exec-timeout ; shown ; source transcripts of running-configs print the no, Command Default: exec-timeout 10 0
single timeout login response *
single password ... ; danger login on the line ; management
single login [...] ; no no login ; danger login on the line ; management
single privilege level * ; danger login on the line ; management
single authorization <t> ...
single accounting <t> ...
single logging synchronous [...]
single length *
single width *
single history size *
flag exec ; on ; source Command Default: enabled
single exec-character-bits *
single rotary *
single modem ...
single transport preferred *
single transport input ... ; danger access to the device ; management
single transport output ...
single escape-character *
single stopbits *
single speed *
single flowcontrol *
single databits *
single parity *
flag domain-lookup
single script <...> ; no full
single autocommand ...
flag notify
flag monitor
single absolute-timeout *
single vacant-message ...
flag exec-banner ; on ; source Command Default: enabled
flag motd-banner ; on ; source Command Default: enabled
flag ipv6 <...>
flag <...>
""",
    )
    + table(
        "key-chain",
        cite,
        r"""
single description ...
section key <n> ; opens key
flag macsec
""",
    )
    + table(
        "key",
        cite,
        r"""
single key-string ...
single accept-lifetime ...
single send-lifetime ...
single lifetime ...
single cryptographic-algorithm *
single include-tcp-options
flag <...>
""",
    )
    + table(
        "trustpoint",
        cite,
        r"""
single enrollment <...> ; no full
single serial-number [...]
single subject-name ...
single subject-alt-name ...
single fqdn ...
single ip-address ...
single revocation-check ...
single rsakeypair ...
single eckeypair *
single vrf *
single source interface *
single password ...
single usage ...
single hash *
single auto-enroll ...
single fingerprint ...
single chain-validation ...
flag <...>
""",
    )
    + table(
        "certificates",
        cite,
        r"""
block certificate ... ; made ; fixed ; source facts 8, rule 15: made by the device
""",
    )
    + table("pki", cite, "flag <...>")
    + table(
        "pubkey",
        cite,
        r"""
section addressed-key <...> ; opens pubkey
section named-key <...> ; opens pubkey
single address *
block key-string
""",
    )
    + table(
        "ssh-keys",
        cite,
        r"""
section username <n> ; opens ssh-user ; danger a login may depend on it
section server <n> ; opens ssh-user
""",
    )
    + table(
        "ssh-user",
        cite,
        r"""
list key-hash <...>
block key-string
""",
    )
    + table(
        "keyring",
        cite,
        r"""
single description ...
list pre-shared-key <...>
list rsa-pubkey <...>
single local-address ...
""",
    )
    + table(
        "isakmp",
        cite,
        r"""
single encryption ... ; no no encryption
single encr ... ; no no encr
single hash *
single authentication *
single group *
single lifetime *
""",
    )
    + table(
        "isakmp-group",
        cite,
        r"""
single key ...
list dns <...>
list wins <...>
single domain *
single pool *
single acl *
single netmask *
flag <...>
""",
    )
    + table(
        "isakmp-profile",
        cite,
        r"""
single description ...
single vrf *
single keyring *
single self-identity <...> ; no full
list match identity <...>
single local-address ...
single keepalive ...
single isakmp authorization list *
single client <...> ; no full
single virtual-template *
flag <...>
""",
    )
    + table(
        "ikev2",
        cite,
        r"""
single description ...
single encryption ...
single integrity ...
single prf ...
single group ...
list match <...>
list proposal <...>
list authentication <...>
single identity local ...
single keyring <...> ; no full
single pki trustpoint ...
single dpd ...
single lifetime ...
single ivrf *
single virtual-template ...
single aaa <...> ; no full
single nat ...
single config-exchange <...> ; no full
list route <...>
flag <...>
""",
    )
    + table("ikev2-keyring", cite, "section peer <n> ; opens ikev2-peer")
    + table(
        "ikev2-peer",
        cite,
        r"""
single description ...
single address ... ; change remove ; source facts 9: the old line goes right before the new one
single hostname *
single identity <...> ; no full
single pre-shared-key <local|remote> ...
single pre-shared-key ...
""",
    )
    + table(
        "transform",
        cite,
        r"""
single mode ...
flag <...>
""",
    )
    + table(
        "ipsec-profile",
        cite,
        r"""
single description ...
single set transform-set ...
single set pfs *
single set ikev2-profile *
single set isakmp-profile *
single set security-association <...> ; no full
single set identity *
flag <...>
""",
    )
    + table(
        "crypto-map",
        cite,
        r"""
single description ...
list set peer <...>
single set transform-set ...
single set pfs *
single set security-association <...> ; no full
single set <ikev2-profile|isakmp-profile|identity|reverse-route|ip|nat> ...
single match address *
single reverse-route [...]
single qos pre-classify
flag <...>
""",
    )
    + table(
        "gdoi",
        cite,
        r"""
single identity <...> ; no full
list server <...>
single client <...> ; no full
flag <...>
""",
    )
    + table(
        "dot1x",
        cite,
        r"""
single username *
single password ...
flag <...>
""",
    )
    + table(
        "control-plane",
        cite,
        r"""
single service-policy <input|output> * ; no full ; danger what reaches the device itself ; change remove ; source cisco.ios (Ansible) issue 109: a policy is refused while another is attached; nothing is lost by removing first where it is not
single service-policy type <...> ; no full
flag <...>
""",
    )
)
