"""Configurations for a fleet out of nothing: a number in, a realistic running-config out."""

_HEAD = """\
version 15.7
service timestamps debug datetime msec
service timestamps log datetime msec
service password-encryption
!
hostname {name}
!
boot-start-marker
boot-end-marker
!
"""
_COMMON = """\
logging buffered 65536
enable secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0
!
aaa new-model
!
aaa authentication login default local
aaa authorization exec default local
!
aaa session-id common
clock timezone UTC 0 0
!
no ip domain lookup
ip domain name example.net
ip cef
!
"""
_ARCHIVE = """\
username catnet privilege 15 secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0
!
archive
 log config
  logging enable
  hidekeys
 path flash:archive
 maximum 10
!
"""
_TAIL = """\
logging trap notifications
logging source-interface {source}
logging host 192.0.2.200
!
snmp-server community sample RO 10
snmp-server location Row {row}, rack {rack}
snmp-server contact noc@example.net
!
banner motd ^C
Authorised access only. {name} is a simulated device.
^C
!
line con 0
 exec-timeout 15 0
 logging synchronous
line vty 0 4
 access-class MANAGEMENT in
 exec-timeout 15 0
 transport input ssh
line vty 5 15
 access-class MANAGEMENT in
 exec-timeout 15 0
 transport input ssh
!
ntp source {source}
ntp server 192.0.2.123
!
end
"""
_LISTS = """\
ip access-list standard MANAGEMENT
 permit 192.0.2.0 0.0.0.255
 permit 127.0.0.0 0.255.255.255
 deny   any log
!
"""
_ROUTER = """\
interface Loopback0
 description router id
 ip address 10.255.{a}.{b} 255.255.255.255
!
interface GigabitEthernet0/0
 description management
 ip address 198.18.{a}.{b} 255.254.0.0
 duplex auto
 speed auto
!
interface GigabitEthernet0/1
 description to core
 ip address 10.{a}.{b}.1 255.255.255.252
 ip ospf network point-to-point
 duplex auto
 speed auto
!
interface GigabitEthernet0/2
 description customers
 ip address 10.{a}.{b}.129 255.255.255.128
 ip access-group EDGE-IN in
 ip helper-address 192.0.2.67
 duplex auto
 speed auto
!
router ospf 1
 router-id 10.255.{a}.{b}
 passive-interface default
 no passive-interface GigabitEthernet0/1
 network 10.{a}.{b}.0 0.0.0.255 area 0
 network 10.255.{a}.{b} 0.0.0.0 area 0
!
router bgp 65001
 bgp router-id 10.255.{a}.{b}
 bgp log-neighbor-changes
 neighbor 10.{a}.{b}.2 remote-as 65000
 neighbor 10.{a}.{b}.2 description core
 neighbor 10.{a}.{b}.2 route-map EXPORT out
!
ip forward-protocol nd
!
no ip http server
no ip http secure-server
ip route 0.0.0.0 0.0.0.0 10.{a}.{b}.2
ip route 192.0.2.0 255.255.255.0 10.{a}.{b}.2 name services
ip ssh version 2
!
"""
_ROUTER_LISTS = """\
ip access-list extended EDGE-IN
 deny   ip 127.0.0.0 0.255.255.255 any
 permit udp any eq bootpc any eq bootps
 permit ip 10.{a}.{b}.128 0.0.0.127 any
 deny   ip any any log
!
ip prefix-list OWN seq 5 permit 10.{a}.{b}.0/24
!
route-map EXPORT permit 10
 match ip address prefix-list OWN
!
"""
_SWITCH = """\
vtp mode transparent
!
spanning-tree mode rapid-pvst
spanning-tree extend system-id
!
vlan 10
 name USERS
!
vlan 20
 name VOICE
!
vlan 99
 name MANAGEMENT
!
interface Port-channel1
 description uplink
 switchport trunk allowed vlan 10,20,99
 switchport mode trunk
!
{ports}\
interface GigabitEthernet1/0/23
 description uplink member
 switchport trunk allowed vlan 10,20,99
 switchport mode trunk
 channel-group 1 mode active
!
interface GigabitEthernet1/0/24
 description uplink member
 switchport trunk allowed vlan 10,20,99
 switchport mode trunk
 channel-group 1 mode active
!
interface Vlan1
 no ip address
 shutdown
!
interface Vlan99
 ip address 198.18.{a}.{b} 255.254.0.0
!
ip default-gateway 198.18.0.1
no ip http server
no ip http secure-server
ip ssh version 2
!
"""
_PORT = """\
interface GigabitEthernet1/0/{port}
 description desk {port}
 switchport access vlan 10
 switchport mode access
 switchport voice vlan 20
 spanning-tree portfast
 spanning-tree bpduguard enable
!
"""


def config(number: int) -> str:
    """The running-config of device ``sim<number>``: every third is an access switch."""
    name = f"sim{number}"
    a, b = divmod(number, 254)
    b += 1
    tail = _TAIL if number % 3 == 0 else _LISTS_LAST
    places = {"name": name, "a": a % 250, "b": b, "row": number // 10 + 1, "rack": number % 10 + 1}
    if number % 3 == 0:
        ports = "".join(_PORT.format(port=port) for port in range(1, 9))
        text = _HEAD + _COMMON + _ARCHIVE + _SWITCH.replace("{ports}", ports) + _LISTS + tail
        return text.format(source="Vlan99", **places)
    text = _HEAD + _COMMON + _ARCHIVE + _ROUTER + _LISTS + tail
    return text.format(source="Loopback0", **places)


_LISTS_LAST = _ROUTER_LISTS + _TAIL
