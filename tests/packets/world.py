# SPDX-License-Identifier: BSD-3-Clause
"""What the worker of a golden frame knows, as world.h reads it.

       client, or the router           mailrail                      switch with mail servers
    02:00:00:00:00:99  ------ wan 02:00:00:00:00:01
                              lan 02:00:00:00:00:02  ------ hub1 02:00:00:00:01:01, hub2 ...:02
                           listen 02:00:00:00:00:03  (AF_PACKET: the kernel has a copy)
                             twin 02:00:00:00:00:04  (with a TAP, where the kernel is)
                            probe 02:00:00:00:00:ff  (the prober's kernel)
                           kernel 02:00:00:00:00:cc  (shared by kernel interfaces that have it)
"""

WAN, LAN, LISTEN, TWIN = range(4)
ROUTER = '02:00:00:00:00:99'
MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03', '02:00:00:00:00:04']
PROBER = '02:00:00:00:00:ff'
KERNEL = '02:00:00:00:00:cc'
HUBS = ['02:00:00:00:01:01', '02:00:00:00:01:02', None, '02:00:00:00:01:04']
HUB1, HUB2, UNREACHED, DEAD = range(4)

CLIENT, CLIENT6 = '192.0.2.1', '2001:db8:c::1'
VIP, VIP6 = '10.0.0.10', '2001:db8::10'            # smtp: rejects 10.0.0.0/26, 2001:db8::/64
QUIET, QUIET6 = '10.0.0.11', '2001:db8::11'        # drops the same sources
SMTP, SILENT = range(2)                            # those services
PROBE_SOURCE, PROBE_SOURCE6 = '10.0.0.9', '2001:db8::9'
PROBE_PORT, PROBE_PORT_DEAD, PROBE_PORT_UNREACHED = 50001, 50002, 50003

HUB_ADDRESSES = ['10.1.0.11', '10.1.0.12', '10.1.0.13', '10.1.0.14']
HUB_ADDRESSES6 = [f'2001:db8:1::{number}' for number in (11, 12, 13, 14)]
OUTER_SOURCE, OUTER_SOURCE6 = '10.1.0.1', '2001:db8:1::1'
GUE_PORT = 6080

KEY = b'golden frames!!!'

NO_BACKEND = {'pools': [[[None, None, False]]]}
MOVING = {'pools': [[[HUB2, HUB1, True]]]}
ROOM_FOR_NOBODY_NEW = {'pools': [[[None, HUB1, True]]]}


def port(index, kind='vdev', device=None, tags=(), kernel_side='none', kernel_frame_max=1522,
         joins_segments=False, mac=None):
    return {'mac': mac or MACS[index], 'kind': kind, 'device': index if device is None else device,
            'tags': list(tags), 'kernel_side': kernel_side, 'kernel_frame_max': kernel_frame_max,
            'joins_segments': joins_segments}


def ports(**changed):
    """The four ports; `wan={'tags': [7]}` changes what it says."""
    base = {'wan': {}, 'lan': {}, 'listen': {'kind': 'af_packet'}, 'twin': {'kernel_side': 'twin'}}
    return [port(index, **{**fields, **changed.get(name, {})})
            for index, (name, fields) in enumerate(base.items())]


def backend(index, forwarding='l2dsr', outer=4, mss=0, **way):
    """`outer`: the family of its own address, hence of the tunnel to it."""
    sources, addresses = ((OUTER_SOURCE, HUB_ADDRESSES) if outer == 4
                          else (OUTER_SOURCE6, HUB_ADDRESSES6))
    way = {'port': LAN, 'next_hop': HUBS[index], 'mtu': 1500, 'outer_source': sources,
           'source_bits': 0, 'gue_port': GUE_PORT, **way}
    return {'alive': index != DEAD, 'forwarding': forwarding, 'address': addresses[index],
            'mss': mss, 'way': way if way['next_hop'] else None}


def backends(forwarding='l2dsr', outer=4, **fields):
    return [backend(index, forwarding, outer, **fields) for index in range(len(HUBS))]


def nat_sources(outer=4):
    """What the hubs' answers from the smtp service's port 25 are known by."""
    addresses, service = (HUB_ADDRESSES, VIP) if outer == 4 else (HUB_ADDRESSES6, VIP6)
    return [{'address': addresses[index], 'port': 25, 'service_address': service,
             'service': SMTP, 'backend': index} for index in (HUB1, HUB2, DEAD)]


def world(**changes):
    """On a table of one slot, every session goes to HUB1."""
    exclude = [['10.0.0.0', '10.0.0.63'],
               ['2001:db8::', '2001:db8::ffff:ffff:ffff:ffff']]
    base = {
        'key': KEY.hex(),
        'probe_mac': PROBER,
        'kernel_mac': KERNEL,
        'ports': ports(),
        'services': [
            {'endpoints': [[VIP, 25], [VIP, 465], [VIP, 587], [VIP6, 25], [VIP6, 465]], 'pool': 0,
             'exclude': exclude, 'reject': True},
            {'endpoints': [[QUIET, 25], [QUIET6, 25]], 'pool': 0,
             'exclude': exclude, 'reject': False}],
        'pools': [[[HUB1, HUB1, False]]],
        'backends': backends(),
        'nat_sources': [],
        'probe_sources': [PROBE_SOURCE, PROBE_SOURCE6],
        'probes': [[PROBE_PORT, HUB2], [PROBE_PORT_DEAD, DEAD],
                   [PROBE_PORT_UNREACHED, UNREACHED]],
    }
    base.update(changes)
    return base
