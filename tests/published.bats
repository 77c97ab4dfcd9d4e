# SPDX-License-Identifier: GPL-2.0-or-later
# Devices that qubes tell of by their keys, in QubesDB and in XenStore: what is offered, events, hostile text.

load lib/common

# write NAME KEY VALUE...: what the qube writes, then what it writes when a list is complete.
write() {
	local name=$1
	shift
	while (($#)); do
		if [[ ${GEN:-r4} == r2 ]]; then
			XENSTORED_PATH=$XENSTORED_RUNDIR/dom$XID.socket xenstore-write -R -- "$1" "$2"
		else
			"$TESTBIN/qdb" "$QVMD_STATE/run/qubesdb.$name.sock" write "/$1" "$2" >/dev/null
		fi
		shift 2
	done
}
block() { raw admin.vm.device.block.Available "$1" | sed 's/\\n/\n/g; s/^0\\0//'; }
usb() { raw admin.vm.device.usb.Available "$1" | sed 's/\\n/\n/g; s/^0\\0//'; }
until_seen() { # WHAT NAME TEXT
	local i
	for ((i = 0; i < 500; i++)); do
		[[ $("$1" "$2") != *"$3"* ]] || return 0
		_tick
	done
	echo "not in 5 s: $3" >&2
	"$1" "$2" >&2
	return 1
}

@test "block and USB devices of a qube: offered, announced, taken away" {
	start_daemon
	raw admin.vm.Start work
	events_start
	write work qubes-block-devices/sda/desc 'SANDISK_Ultra (DATA_1)' qubes-block-devices/sda/size 8000000 \
		qubes-block-devices/sda/mode r qubes-block-devices/sda1/parent sda qubes-block-devices/sda1/size 1
	assert_equal "$(block work)" ''
	write work qubes-block-devices ''
	until_seen block work sda1
	assert_equal "$(block work)" "sda1::None:1 device_id=':None:1' port_id='sda1' devclass='block' backend_domain='work' manufacturer='sub-device of work:sda' interfaces='b******' parent_port_id='sda' parent_devclass='block'
sda::None device_id=':None' port_id='sda' devclass='block' backend_domain='work' manufacturer='hosted by work' name='DATA 1' serial='SANDISK Ultra' interfaces='b******'"
	run events
	assert_output 'work device-list-change:block
work device-added:block device=work:sda::None
work device-added:block device=work:sda1::None:1
work domain-qdb-change:/qubes-block-devices path=/qubes-block-devices'
	write work qubes-usb-devices/2-1_4/desc '1d6b:0104 Linux_Foundation Multi\x20Gadget CAFEBABE' \
		qubes-usb-devices/2-1_4/interfaces :080650: qubes-usb-devices ''
	until_seen usb work 2-1.4
	assert_equal "$(usb work)" "2-1.4:1d6b:0104:CAFEBABE:u080650 device_id='1d6b:0104:CAFEBABE:u080650' port_id='2-1.4' devclass='usb' backend_domain='work' vendor='Linux_Foundation' product='Multi Gadget' serial='CAFEBABE' interfaces='u080650'"
	write work qubes-block-devices/sdb/parent 2-1.4:1.0 qubes-block-devices ''
	until_seen block work "sdb:1d6b:0104:CAFEBABE:u080650:1.0 "
	# what was attached is taken away with it
	raw admin.vm.device.block.Attach+work+sda+_ sys-usb "device_id='*' port_id='sda' devclass='block' backend_domain='work' mode='manual' _read-only='no'" >"$BATS_TEST_TMPDIR/refused"
	grep -qF 'This device can be attached only read-only' "$BATS_TEST_TMPDIR/refused"
	assert_equal "$(raw admin.vm.device.block.Attach+work+sdb+_ sys-usb)" '0\0'
	"$TESTBIN/qdb" "$QVMD_STATE/run/qubesdb.work.sock" rm /qubes-block-devices/sdb/ >/dev/null
	events_clear
	write work qubes-block-devices ''
	gone() { [[ $(block work) != *sdb* ]]; }
	for ((i = 0; i < 500; i++)); do ! gone || break; _tick; done
	assert_equal "$(raw admin.vm.device.block.Attached sys-usb)" '0\0'
	run events
	assert_line 'work device-removed:block port=work:sdb'
	raw admin.vm.Kill work
	assert_equal "$(block work)$(usb work)" ''
}

attached() { raw admin.vm.device.usb.Attached "$1" | sed 's/ .*//; s/^0\\0//'; }

@test "a USB device that its qube says another one uses; what dom0 gave away stays where it is" {
	start_daemon
	raw admin.vm.Start work
	raw admin.vm.Start personal
	mouse=qubes-usb-devices/1-1
	write work $mouse/desc '1d6b:0104 A B C' qubes-usb-devices ''
	until_seen usb work 1-1
	events_start
	write work $mouse/connected-to personal qubes-usb-devices ''
	until_seen attached personal work+1-1
	assert_equal "$(attached personal)" 'work+1-1:1d6b:0104:C:?******'
	assert_equal "$(raw admin.vm.device.usb.Attach+work+1-1+_ sys-net | grep -o DeviceAlreadyAttached)" DeviceAlreadyAttached
	# another, then nobody; a name that is none, itself, one that is off
	write work $mouse/connected-to sys-net qubes-usb-devices ''
	until_seen attached sys-net work+1-1
	assert_equal "$(attached personal)" ''
	for name in $'\e[2J' no-such work vault; do
		write work $mouse/connected-to sys-net qubes-usb-devices ''
		until_seen attached sys-net work+1-1
		write work $mouse/connected-to "$name" qubes-usb-devices ''
		nobody() { [[ -z $(attached sys-net) ]]; }
		for ((i = 0; i < 500; i++)); do ! nobody || break; _tick; done
		assert_equal "$name: $(attached sys-net)$(attached personal)$(attached vault)" "$name: "
	done
	run events
	assert_equal "${lines[*]:0:7}" "work device-list-change:usb work domain-qdb-change:/qubes-usb-devices \
path=/qubes-usb-devices personal device-attach:usb device=work:1-1:1d6b:0104:C:?****** options={} \
sys-net device-pre-attach:usb device=work:1-1:1d6b:0104:C:?****** options={} \
work device-list-change:usb work domain-qdb-change:/qubes-usb-devices path=/qubes-usb-devices \
personal device-detach:usb port=work:1-1"
	# by the Admin API: no word of the backend takes it away
	assert_equal "$(raw admin.vm.device.usb.Attach+work+1-1+_ sys-net)" '0\0'
	write work $mouse/connected-to personal qubes-usb-devices/1-2/desc x qubes-usb-devices ''
	until_seen usb work 1-2
	assert_equal "$(attached sys-net)" 'work+1-1:1d6b:0104:C:?******'
	assert_equal "$(attached personal)" ''
	qvm-shutdown --wait -q work
	assert_equal "$(attached sys-net)" ''
}

@test "release 2: the same from XenStore, in its stricter manner" {
	start_xenstored
	GEN=r2
	start_daemon --vmif r2 --xenstore "$XENSTORED_PATH"
	raw admin.vm.Start work
	XID=$(raw admin.vm.property.Get+xid work | sed 's/.* //')
	write work qubes-block-devices/sda/desc 'USB_DISK (label)' qubes-block-devices/sda/size 1 \
		qubes-block-devices/sda/mode w qubes-block-devices/sdb/desc 'no size' qubes-block-devices ''
	until_seen block work sda
	assert_equal "$(block work)" "sda::None device_id=':None' port_id='sda' devclass='block' backend_domain='work' manufacturer='hosted by work' name='label' serial='USB DISK' interfaces='b******'"
	write work qubes-usb-devices/1-1/desc 'a mouse' qubes-usb-devices/1-1_2_3/desc x qubes-usb-devices ''
	until_seen usb work 1-1
	assert_equal "$(usb work)" "1-1:0000:0000::?****** device_id='0000:0000::?******' port_id='1-1' devclass='usb' backend_domain='work' name='a_mouse' interfaces='?******'"
	write work qubes-usb-devices/1-1/connected-to sys-net qubes-usb-devices ''
	until_seen attached sys-net work+1-1
}

@test "hostile lists: nothing but printable text of known forms comes out, and others stay whole" {
	start_daemon --log "$BATS_TEST_TMPDIR/log"
	raw admin.vm.Start work
	raw admin.vm.Start personal
	write personal qubes-block-devices/sda/desc 'mine (own)' qubes-block-devices ''
	until_seen block personal sda
	before=$(block personal)
	write work qubes-block-devices/sda/desc $'\e[2J\xff\nsdz::None device_id=\'x\' (y)' \
		qubes-block-devices/..@x/desc x qubes-block-devices/sdb/parent sdb \
		qubes-block-devices/sdc/parent sdd qubes-block-devices/sdd/parent sdc \
		qubes-usb-devices/1-1/desc "1d6b:0104 ' \"* x'\\x27y:*+" qubes-block-devices '' qubes-usb-devices ''
	until_seen block work sdd
	until_seen usb work 1-1
	refute grep -q "$(printf '[\x01-\x08\x0b-\x1f\x7f-\xff]')" <<<"$(block work)$(usb work)"
	assert_equal "$(block work | cut -d' ' -f1 | grep -c .) $(usb work)" "4 1-1:1d6b:0104:x__y___:?****** device_id='1d6b:0104:x__y___:?******' port_id='1-1' devclass='usb' backend_domain='work' vendor='\\\\'' product='\"*' serial='x\\\\'\\\\'y:*+' interfaces='?******'"
	grep -qF 'work: 1 block devices that it tells of are not as they have to be' "$BATS_TEST_TMPDIR/log"
	assert_equal "$(block personal)" "$before"
	run qvm-device block list work
	assert_success
	refute grep -q "$(printf '[\x01-\x08\x0b-\x1f\x7f]')" <<<"$output"
}
