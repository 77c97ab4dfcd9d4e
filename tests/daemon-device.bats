#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The device calls of the daemon: admin-api 2.11, chapter 8, the device events of 11.2 and 11.3, and what chapters 2.3,
# 2.4 and 4.4 say about devices.

load lib/common

setup() {
	cat >"$BATS_TEST_TMPDIR/f.yaml" <<-'END'
		kernels: [6.12.0-1]
		globals: {default_kernel: 6.12.0-1}
		qubes:
		  - name: dom0
		    devices:
		      - {class: mic, port: mic, manufacturer: build-in, name: Microphone}
		      - {class: pci, port: "00_14.0", id: "0x8086:0x51ed::p0c0330", vendor: Intel, product: xHCI, sbdf: "0000:00:14.0"}
		      - {class: pci, port: "00_1f.3", id: "0x8086:0x51c8::p040380", vendor: Intel, product: Audio, sbdf: "0000:00:1f.3"}
		  - name: usb
		    class: StandaloneVM
		    netvm: none
		    state: Running
		    devices:
		      - {class: block, port: sda, serial: SANDISK Ultra}
		      - {class: block, port: sda1, id: ":None:1", parent: "block:sda", name: DATA 1, serial: SANDISK Ultra, size: 1024}
		      - {class: block, port: sr0, mode: r, name: "it's a \\ CD", serial: unknown}
		      - {class: usb, port: "2-1", id: "1d6b:0104:CAFEBABE:u080650", product: Stick}
		      - {class: usb, port: "2-2", id: "1d6b:0104:CAFEBABE:u080650", product: Stick}
		      - {class: testclass, port: t1, id: "t:1", data: {colour: red}}
		  - {name: work, class: StandaloneVM, netvm: none, state: Running}
		  - {name: home, class: StandaloneVM, netvm: none, state: Running, properties: {virt_mode: hvm}}
		  - {name: vault, class: StandaloneVM, netvm: none}
		  - {name: far, class: RemoteVM}
	END
}
begin() { start_daemon "$BATS_TEST_TMPDIR/f.yaml" "$@"; }

# dev CLASS.CALL[+ARG] DEST [PAYLOAD]
dev() { raw "admin.vm.device.$1" "${@:2}"; }
export -f dev
# Rows "CALL|DEST|PAYLOAD|REPLY" of standard input, in order.
rows() {
	local call dest payload want
	while IFS='|' read -r call dest payload want; do
		[[ -n $call ]] || continue
		run dev "$call" "$dest" "$payload"
		assert_equal "$call $dest $payload -> $output" "$call $dest $payload -> $want"
	done
}
OK='0\0'
Q='\'

@test "Available: lines, their order, one port, qubes that are off" {
	begin
	rows <<-END
		mic.Available|dom0||0\0mic:dom0:mic::m000000 device_id='dom0:mic::m000000' port_id='mic' devclass='mic' backend_domain='dom0' manufacturer='build-in' name='Microphone' interfaces='m******'\n
		pci.Available+00_14.0|dom0||0\000_14.0:0x8086:0x51ed::p0c0330 device_id='0x8086:0x51ed::p0c0330' port_id='00_14.0' devclass='pci' backend_domain='dom0' vendor='Intel' product='xHCI' interfaces='p0c0330' _sbdf='0000:00:14.0'\n
		block.Available|usb||0\0sda1::None:1 device_id=':None:1' port_id='sda1' devclass='block' backend_domain='usb' manufacturer='sub-device of usb:sda' name='DATA 1' serial='SANDISK Ultra' interfaces='b******' parent_port_id='sda' parent_devclass='block'\nsda::None device_id=':None' port_id='sda' devclass='block' backend_domain='usb' manufacturer='hosted by usb' serial='SANDISK Ultra' interfaces='b******'\nsr0::None device_id=':None' port_id='sr0' devclass='block' backend_domain='usb' manufacturer='hosted by usb' name='it${Q}${Q}'s a ${Q}${Q} CD' interfaces='b******'\n
		block.Available+sda9|usb||0\0
		block.Available+sd|usb||0\0
		usb.Available+2-2|usb||0\02-2:1d6b:0104:CAFEBABE:u080650 device_id='1d6b:0104:CAFEBABE:u080650' port_id='2-2' devclass='usb' backend_domain='usb' product='Stick' interfaces='u080650'\n
		testclass.Available|usb||0\0t1:t:1 device_id='t:1' port_id='t1' devclass='testclass' backend_domain='usb' interfaces='?******' _colour='red'\n
		block.Available|work||0\0
		block.Available|vault||0\0
		mic.Available|far||0\0
	END
	raw admin.vm.Kill usb
	rows <<<'block.Available|usb||0\0'
	raw admin.vm.Start usb
	run dev block.Available+sda usb
	assert_output --regexp '^0.0sda::None '
}

@test "requests that are none" {
	begin
	rows <<-'END'
		webcam.Available|usb||2\0ProtocolError\0\0no such method: 'admin.vm.device.webcam.Available'\0
		webcam.Attach+usb+x|work||2\0ProtocolError\0\0no such method: 'admin.vm.device.webcam.Attach'\0
		denied.Available|usb||2\0ProtocolError\0\0no such method: 'admin.vm.device.denied.Available'\0
		block.x.Available|usb||2\0ProtocolError\0\0no such method: 'admin.vm.device.block.x.Available'\0
		.Available|usb||2\0ProtocolError\0\0no such method: 'admin.vm.device..Available'\0
		block.Available|usb|x|2\0ProtocolError\0\0unexpected payload\0
		block.Assigned|usb|x|2\0ProtocolError\0\0unexpected payload\0
		block.Attached|usb|x|2\0ProtocolError\0\0unexpected payload\0
		block.Attach|work||2\0ProtocolError\0\0expected an argument\0
		block.Detach|work||2\0ProtocolError\0\0expected an argument\0
		block.Detach+usb+sda|work|x|2\0ProtocolError\0\0unexpected payload\0
		block.Assign+usb+sda|work||2\0ProtocolError\0\0expected payload\0
		block.Assign|work|mode='required'|2\0ProtocolError\0\0expected an argument\0
		block.Unassign|work||2\0ProtocolError\0\0expected an argument\0
		block.Unassign+usb+sda|work|x|2\0ProtocolError\0\0unexpected payload\0
		block.Set.assignment+usb+sda|work||2\0ProtocolError\0\0expected payload\0
		block.Set.assignment|work|required|2\0ProtocolError\0\0expected an argument\0
		block.Attach+usb|work||2\0ProtocolError\0\0Invalid device argument: 'usb'\0
		block.Attach+usb+|work||2\0ProtocolError\0\0Invalid device argument: 'usb+'\0
		block.Attach+none+sda|work||2\0QubesVMNotFoundError\0\0No such domain: 'none'\0
		block.Detach+none+sda|work||2\0QubesVMNotFoundError\0\0No such domain: 'none'\0
		block.Assign+none+sda|work|mode='required'|2\0QubesVMNotFoundError\0\0No such domain: 'none'\0
		block.Unassign+none+sda|work||2\0QubesVMNotFoundError\0\0No such domain: 'none'\0
		block.Set.assignment+none+sda|work|required|2\0QubesVMNotFoundError\0\0No such domain: 'none'\0
	END
}

@test "names that would be more than a name" {
	begin
	local name call
	for name in $'a\e[31mb' $'a\nusb+x:y' $'\x7f' $'\r'; do
		for call in "Attach+usb+$name" "Detach+usb+$name" "Assign+usb+sda+$name" "Unassign+usb+$name" "Set.assignment+usb+$name"; do
			run dev "block.$call" work "$([[ $call == [DU]* ]] || echo "mode='required'")"
			assert_output --regexp '^2.0ProtocolError.0.0Invalid device argument: .usb\+'
		done
	done
	rows <<-END
		block.Assign+usb+sda|work|device_id='a b' mode='required'|2\0ProtocolError\0\0Invalid device argument: 'usb+sda'\0
		block.Assign+usb+sda|work|device_id='' mode='required'|2\0ProtocolError\0\0Invalid device argument: 'usb+sda'\0
		block.Assigned|work||0\0
	END
}

@test "payloads: each refusal of 8.6" {
	begin
	local payload want
	while IFS='|' read -r payload want; do
		rows <<-END
			block.Attach+usb+sda++None|work|$payload|2\0ProtocolError\0\0$want\0
			block.Assign+usb+sda++None|work|$payload|2\0ProtocolError\0\0$want\0
		END
	done <<-'END'
		mode='manual|Invalid device properties: mode='manual
		a=b='c'|Invalid chars in property name: {'='}
		a`"='c'|Invalid chars in property name: {'"', '`'}
		_x='a	b'|Invalid chars in property value: {'\\x09'}
		_x='\xc3\xa9'|Invalid chars in property value: {'\\xa9', '\\xc3'}
		colour='red'|DeviceAssignment.__init__() got an unexpected keyword argument 'colour'
		port_id='sdb'|Got device from port: sdb when expected port: sda.
		devclass='usb'|Got usb device when expected block.
		backend_domain='work'|Got device exposed by work when expected devices from usb.
		device_id='x'|Unrecognized device identity 'x' expected ':None'
		mode='always'|'always' is not a valid AssignmentMode
	END
	rows <<<"block.Attach+usb+sda++None|work|_x='a\0b'|2\0ProtocolError\0\0Invalid chars in property value: {'\\\\x00'}\0"
}

@test "Attach and Detach: block, with its options, names and events" {
	begin
	events_start
	rows <<-END
		block.Attach+usb+sda++None|work||$OK
		block.Attach+usb+sda1++None+1|work|device_id=':None:1' port_id='sda1' devclass='block' backend_domain='usb' mode='manual' frontend_domain='elsewhere' _devtype='cdrom' _read-only='True'|$OK
		block.Attached|work||0\0usb+sda1::None:1 device_id=':None:1' port_id='sda1' devclass='block' backend_domain='usb' mode='manual' frontend_domain='work' _read-only='yes' _frontend-dev='xvdd' _devtype='cdrom'\nusb+sda::None device_id=':None' port_id='sda' devclass='block' backend_domain='usb' mode='manual' frontend_domain='work' _read-only='no' _frontend-dev='xvdi'\n
		block.Attached+usb+sda|work||0\0usb+sda::None device_id=':None' port_id='sda' devclass='block' backend_domain='usb' mode='manual' frontend_domain='work' _read-only='no' _frontend-dev='xvdi'\n
		block.Attached+usb+sd|work||0\0
		block.Attached+us+sda|work||0\0
		block.Attached|home||0\0
		block.Available+sda|usb||0\0sda::None device_id=':None' port_id='sda' devclass='block' backend_domain='usb' manufacturer='hosted by usb' serial='SANDISK Ultra' attachment='work' interfaces='b******'\n
		block.Attach+usb+sr0+_|work|_frontend-dev='xvdz' _devtype='disk'|$OK
		block.Attached+usb+sr0|work||0\0usb+sr0::None device_id=':None' port_id='sr0' devclass='block' backend_domain='usb' mode='manual' frontend_domain='work' _read-only='yes' _frontend-dev='xvdz'\n
		block.Detach+usb+sda1|work||$OK
		block.Detach+usb+sda+nonsense|work||$OK
		block.Attached+usb+sda|work||0\0
	END
	run events
	assert_output "\
work device-pre-attach:block device=usb:sda::None options={}
work device-attach:block device=usb:sda::None options={'read-only': 'no', 'frontend-dev': 'xvdi'}
work device-pre-attach:block device=usb:sda1::None:1 options={'devtype': 'cdrom', 'read-only': 'True'}
work device-attach:block device=usb:sda1::None:1 options={'devtype': 'cdrom', 'read-only': 'yes', 'frontend-dev': 'xvdd'}
work device-pre-attach:block device=usb:sr0::None options={'frontend-dev': 'xvdz', 'devtype': 'disk'}
work device-attach:block device=usb:sr0::None options={'frontend-dev': 'xvdz', 'devtype': 'disk', 'read-only': 'yes'}
work device-pre-detach:block port=usb:sda1
work device-detach:block port=usb:sda1
work device-pre-detach:block port=usb:sda
work device-detach:block port=usb:sda"
}

@test "Attach and Detach: refusals" {
	begin
	rows <<-END
		block.Attach+usb+sda|vault||2\0QubesVMNotRunningError\0\0VM not running, cannot attach device, do you mean \`assign\`?\0
		block.Attach+usb+sda|far||2\0QubesVMNotRunningError\0\0VM not running, cannot attach device, do you mean \`assign\`?\0
		block.Attach+usb+sdx|work||2\0ProtocolError\0\0Cannot attach ambiguous block device.\0
		block.Attach+vault+sda|work||2\0QubesVMNotRunningError\0\0Domain vault needs to be running to attach device from it\0
		usb.Attach+vault+2-1|work||2\0ProtocolError\0\0Cannot attach ambiguous usb device.\0
		block.Attach+usb+sda+other|work||2\0ProtocolError\0\0Cannot attach ambiguous block device.\0
		usb.Attach+usb+_+1d6b+0104+CAFEBABE+u080650|work||2\0ProtocolError\0\0Cannot attach ambiguous usb device.\0
		block.Attach+usb+sda|work|_frontend-dev='hda'|2\0QubesValueError\0\0Invalid frontend-dev option value: hda\0
		block.Attach+usb+sda|work|_read-only='maybe'|2\0QubesValueError\0\0Invalid read-only option value: maybe\0
		block.Attach+usb+sr0|work|_read-only='no'|2\0QubesValueError\0\0This device can be attached only read-only\0
		block.Attach+usb+sda|work|_devtype='tape'|2\0QubesValueError\0\0devtype option can only have 'disk' or 'cdrom' value\0
		block.Attach+usb+sda|work|_speed='1'|2\0QubesValueError\0\0Unsupported option speed\0
		usb.Attach+usb+2-1|work|_x='1'|2\0QubesException\0\0USB device attach does not support user options\0
		mic.Attach+dom0+mic|work|_x='1'|2\0QubesException\0\0mic device does not support options\0
		pci.Attach+dom0+00_14.0|work||2\0QubesException\0\0Can't attach PCI device to VM in pvh mode\0
		pci.Attach+dom0+00_14.0|dom0||2\0QubesException\0\0Can't attach PCI device to dom0\0
		usb.Attach+usb+2-1|work||$OK
		usb.Attach+usb+2-1|work||2\0DeviceAlreadyAttached\0\0'device usb:2-1:1d6b:0104:CAFEBABE:u080650 of class usb already attached to work'\0
		usb.Attach+usb+2-1|home||2\0DeviceAlreadyAttached\0\0'Device usb:2-1:1d6b:0104:CAFEBABE:u080650 already attached to work'\0
		usb.Detach+usb+2-1|home||2\0DeviceNotAssigned\0\0'usb device 2-1 not attached to home'\0
		usb.Detach+usb+2-2|work||2\0DeviceNotAssigned\0\0'usb device 2-2 not attached to work'\0
		block.Detach+usb+2-1|work||2\0DeviceNotAssigned\0\0'block device 2-1 not attached to work'\0
		usb.Detach+usb+2-1|vault||2\0DeviceNotAssigned\0\0'usb device 2-1 not attached to vault'\0
		usb.Detach+usb+2-1|work||$OK
		pci.Attach+dom0+00_14.0|home|_permissive='True'|$OK
		mic.Attach+dom0+mic|home||$OK
		testclass.Attach+usb+t1|home|_any='thing'|$OK
	END
}

@test "Assign, Unassign, Set.assignment" {
	begin
	events_start
	rows <<-END
		block.Assign+usb+sda1+_|work|device_id='*' port_id='sda1' devclass='block' backend_domain='usb' mode='required' frontend_domain='work' _read-only='yes'|$OK
		block.Assign+usb+_+dev+1|work|mode='ask-to-attach'|$OK
		block.Assign+usb+gone+0000+0000++_______|vault|mode='auto-attach' _nonsense='it\\\\'s'|$OK
		block.Assigned|work||0\0usb+*:dev:1 device_id='dev:1' port_id='*' devclass='block' backend_domain='usb' mode='ask-to-attach'\nusb+sda1:* device_id='*' port_id='sda1' devclass='block' backend_domain='usb' mode='required' frontend_domain='work' _read-only='yes'\n
		block.Assigned+usb+sda1|work||0\0usb+sda1:* device_id='*' port_id='sda1' devclass='block' backend_domain='usb' mode='required' frontend_domain='work' _read-only='yes'\n
		block.Assigned+usb+sda|work||0\0
		usb.Assigned|work||0\0
		block.Assigned|vault||0\0usb+gone:0000:0000::?****** device_id='0000:0000::?******' port_id='gone' devclass='block' backend_domain='usb' mode='auto-attach' _nonsense='it\\\\'s'\n
		block.Attached|work||0\0
		block.Assign+usb+sda1|work|mode='auto-attach'|2\0DeviceAlreadyAssigned\0\0'block device usb:sda1:* already assigned to work'\0
		block.Assign+usb+sda|work|mode='manual'|2\0QubesValueError\0\0Only auto-attachable devices can be assigned.\0
		block.Assign+usb+sda|work|_x='1'|2\0QubesValueError\0\0Only auto-attachable devices can be assigned.\0
		block.Set.assignment+usb+sda1|work|auto-attach|$OK
		block.Set.assignment+usb+sda1|work|manual|2\0QubesUnrecognizedDeviceAssignmentMode\0\0Invalid assignment mode\0
		block.Set.assignment+usb+sda1|work|True|2\0QubesUnrecognizedDeviceAssignmentMode\0\0Invalid assignment mode\0
		block.Set.assignment+usb+sda1|work|required\0|2\0QubesUnrecognizedDeviceAssignmentMode\0\0Invalid assignment mode\0
		block.Set.assignment+usb+sda|work|required|2\0QubesValueError\0\0Device usb:sda:* not assigned to work\0
		block.Assigned+usb+sda1|work||0\0usb+sda1:* device_id='*' port_id='sda1' devclass='block' backend_domain='usb' mode='auto-attach' frontend_domain='work' _read-only='yes'\n
		block.Unassign+usb+sda|work||2\0DeviceNotAssigned\0\0'block device usb:sda:* not assigned to work'\0
		block.Unassign+usb+sda1+other|work||2\0DeviceNotAssigned\0\0'block device usb:sda1:other not assigned to work'\0
		block.Unassign+usb+sda1+_|work||$OK
		block.Unassign+usb+_+dev+1|work||$OK
		block.Assigned|work||0\0
	END
	run events
	assert_output "\
work device-pre-assign:block device=usb:sda1:* options={'read-only': 'yes'}
work device-assign:block device=usb:sda1:* options={'read-only': 'yes'}
work device-pre-assign:block device=usb:*:dev:1 options={}
work device-assign:block device=usb:*:dev:1 options={}
vault device-pre-assign:block device=usb:gone:0000:0000::?****** options={'nonsense': \"it's\"}
vault device-assign:block device=usb:gone:0000:0000::?****** options={'nonsense': \"it's\"}
work device-pre-assign:block device=usb:sda1:* options={'read-only': 'yes'}
work device-assignment-changed:block device=usb:sda1:*
work device-unassign:block device=usb:sda1:*
work device-unassign:block device=usb:*:dev:1"
}

@test "assignments outlive the daemon, attachments do not; a removed qube takes its own along" {
	begin
	dev usb.Assign+usb+2-1 vault "mode='auto-attach' frontend_domain='vault' _a='1' _b='it\\'s'"
	dev usb.Assign+usb+2-2 work "mode='required'"
	dev usb.Attach+usb+2-2 work
	kill_daemon
	begin
	rows <<-END
		usb.Assigned|vault||0\0usb+2-1:* device_id='*' port_id='2-1' devclass='usb' backend_domain='usb' mode='auto-attach' frontend_domain='vault' _a='1' _b='it\\\\'s'\n
		usb.Assigned|work||0\0usb+2-2:* device_id='*' port_id='2-2' devclass='usb' backend_domain='usb' mode='required'\n
		usb.Attached|work||0\0
		usb.Available|usb||0\0
	END
	run dev mic.Available dom0
	assert_output --regexp '^0.0mic:'
	raw admin.vm.Start usb
	run dev usb.Available+2-1 usb
	assert_output --regexp '^0.02-1:'
	expect 0 'raw admin.vm.Kill usb; raw admin.vm.Remove usb' \
		'0\0'$'\n''2\0QubesVMInUseError\0\0VM has devices assigned to other VMs: 2-1, 2-2\0'$'\n'
	expect 0 'raw admin.vm.Remove vault; raw admin.vm.Remove work; raw admin.vm.Remove usb' '0\0'$'\n''0\0'$'\n''0\0'$'\n'
}

@test "a device that is assigned too is shown as assigned; a required one stays while the qube runs" {
	begin
	rows <<-END
		block.Attach+usb+sda|work||$OK
		block.Assign+usb+_|work|mode='auto-attach' _read-only='no'|$OK
		block.Attached|work||0\0usb+sda::None device_id=':None' port_id='sda' devclass='block' backend_domain='usb' mode='auto-attach' frontend_domain='work' _read-only='no'\n
		block.Assign+usb+sda|work|mode='required' _read-only='yes'|$OK
		block.Attached|work||0\0usb+sda::None device_id=':None' port_id='sda' devclass='block' backend_domain='usb' mode='required' frontend_domain='work' _read-only='yes'\n
		block.Detach+usb+sda|work||2\0QubesVMNotHaltedError\0\0Can not detach a required device from a non halted qube. You need to unassign device first.\0
		block.Unassign+usb+sda|work||$OK
		block.Attached|work||0\0usb+sda::None device_id=':None' port_id='sda' devclass='block' backend_domain='usb' mode='auto-attach' frontend_domain='work' _read-only='no'\n
		block.Detach+usb+sda|work||$OK
	END
}

@test "a start attaches what is assigned, the closest assignment first" {
	begin
	rows <<-END
		block.Assign+usb+_++None|vault|mode='auto-attach' _frontend-dev='xvdy'|$OK
		block.Assign+usb+sda|vault|mode='auto-attach' _frontend-dev='xvdk'|$OK
		block.Assign+usb+sda++None|vault|mode='auto-attach' _frontend-dev='xvdl'|$OK
		block.Assign+usb+sr0|vault|mode='ask-to-attach'|$OK
		block.Assign+usb+sda1|vault|mode='required' _frontend-dev='xvdm'|$OK
		usb.Assign+usb+9-9|vault|mode='auto-attach'|$OK
		usb.Assign+usb+2-1|vault|mode='auto-attach'|$OK
		usb.Attach+usb+2-1|work||$OK
	END
	events_start
	expect 0 'raw admin.vm.Start vault' '0\0'$'\n'
	run bash -c "events | grep -A99 'domain-start '"
	assert_output "\
vault domain-start start_guid=True
vault device-pre-attach:block device=usb:sda::None options={'frontend-dev': 'xvdl'}
vault device-attach:block device=usb:sda::None options={'frontend-dev': 'xvdl', 'read-only': 'no'}"
	events_clear
	rows <<-END
		block.Attached|vault||0\0usb+sda1::None:1 device_id=':None:1' port_id='sda1' devclass='block' backend_domain='usb' mode='required' frontend_domain='vault' _frontend-dev='xvdm'\nusb+sda::None device_id=':None' port_id='sda' devclass='block' backend_domain='usb' mode='auto-attach' frontend_domain='vault' _frontend-dev='xvdl'\n
		usb.Attached|vault||0\0
	END
	expect 0 'raw admin.vm.Kill vault' '0\0'$'\n'
	run bash -c "events | grep -A99 'domain-shutdown'"
	assert_output "\
vault domain-shutdown
vault device-detach:block port=usb:sda1
vault device-detach:block port=usb:sda"
	rows <<<'block.Attached|vault||0\0'
}

@test "what is required stops a start: not there, taken, refused" {
	begin
	rows <<-END
		block.Assign+usb+gone|vault|mode='required'|$OK
	END
	events_start
	rows <<-END
		block.Available|vault||0\0
	END
	expect 0 'raw admin.vm.Start vault' '2\0QubesException\0\0Block device usb:gone:* not available\0'$'\n'
	run events
	assert_output "\
vault domain-pre-start start_guid=True mem_required=None
vault domain-start-failed reason=Block device usb:gone:* not available"
	rows <<-END
		block.Unassign+usb+gone|vault||$OK
		usb.Assign+usb+_+1d6b+0104+CAFEBABE+u080650|vault|mode='required'|$OK
	END
	# Two such are there: none of them is "the" device.
	expect 0 'raw admin.vm.Start vault' '2\0QubesException\0\0Usb device usb:*:1d6b:0104:CAFEBABE:u080650 not available\0'$'\n'
	rows <<-END
		usb.Unassign+usb+_+1d6b+0104+CAFEBABE+u080650|vault||$OK
		usb.Assign+usb+2-1|vault|mode='required'|$OK
		usb.Attach+usb+2-1|work||$OK
	END
	expect 0 'raw admin.vm.Start vault' \
		"2\\0DeviceAlreadyAttached\\0\\0'Device usb:2-1:1d6b:0104:CAFEBABE:u080650 already attached to work'\\0"$'\n'
	rows <<-END
		usb.Detach+usb+2-1|work||$OK
		block.Assign+usb+sda|vault|mode='required' _speed='1'|$OK
	END
	expect 0 'raw admin.vm.Start vault' '2\0QubesValueError\0\0Unsupported option speed\0'$'\n'
	rows <<-END
		usb.Attached|vault||0\0
		block.Unassign+usb+sda|vault||$OK
	END
	expect 0 'raw admin.vm.Start vault' '0\0'$'\n'
	run dev usb.Attached vault
	assert_output --regexp '^0.0usb.2-1:'
}

@test "a backend that stops and starts: events, detaching, attaching what waited" {
	begin
	rows <<-END
		block.Attach+usb+sda|work||$OK
		block.Assign+usb+sda1|work|mode='auto-attach'|$OK
		usb.Assign+usb+2-1|work|mode='auto-attach'|$OK
		usb.Assign+usb+2-1|home|mode='auto-attach'|$OK
		usb.Assign+usb+2-2|home|mode='ask-to-attach'|$OK
	END
	events_start
	expect 0 'raw admin.vm.Kill usb' '0\0'$'\n'
	run bash -c "events | grep -A99 'domain-shutdown'"
	assert_output "\
usb domain-shutdown
usb device-list-change:block
usb device-removed:block port=usb:sda1
usb device-removed:block port=usb:sda
usb device-removed:block port=usb:sr0
work device-detach:block port=usb:sda
usb device-list-change:testclass
usb device-removed:testclass port=usb:t1
usb device-list-change:usb
usb device-removed:usb port=usb:2-1
usb device-removed:usb port=usb:2-2"
	rows <<<'block.Attached|work||0\0'
	events_clear
	expect 0 'raw admin.vm.Start usb' '0\0'$'\n'
	run bash -c "events | grep -A99 'domain-start '"
	assert_output "\
usb domain-start start_guid=True
usb device-list-change:block
usb device-added:block device=usb:sda1::None:1
usb device-added:block device=usb:sda::None
usb device-added:block device=usb:sr0::None
usb domain-qdb-change:/qubes-block-devices path=/qubes-block-devices
work device-pre-attach:block device=usb:sda1::None:1 options={}
work device-attach:block device=usb:sda1::None:1 options={'read-only': 'no', 'frontend-dev': 'xvdi'}
usb device-list-change:testclass
usb device-added:testclass device=usb:t1:t:1
usb device-list-change:usb
usb device-added:usb device=usb:2-1:1d6b:0104:CAFEBABE:u080650
usb device-added:usb device=usb:2-2:1d6b:0104:CAFEBABE:u080650
usb domain-qdb-change:/qubes-usb-devices path=/qubes-usb-devices"
	# Two want 2-1 and one would have to be asked about 2-2: nobody gets them.
	rows <<-END
		usb.Attached|work||0\0
		usb.Attached|home||0\0
	END
}

# plug VERB+PORT CLASS QUBE REPLY
plug() {
	run raw "lab.device.$2.$1" "$3"
	assert_equal "$* -> $output" "$* -> $4"
}

@test "a stick is unplugged and plugged in, with all that is on it" {
	start_daemon
	expect 0 'raw admin.vm.Start work; raw admin.vm.Start personal' $'0\\0\n0\\0\n'
	rows <<-END
		block.Attach+sys-usb+sda1|work||$OK
		usb.Attach+sys-usb+2-3|personal||$OK
		block.Assign+sys-usb+sda|work|mode='auto-attach'|$OK
	END
	events_start
	plug Unplug+2-1 usb sys-usb "$OK"
	run events
	assert_output "\
sys-usb device-list-change:block
sys-usb device-removed:block port=sys-usb:sda1
sys-usb device-removed:block port=sys-usb:sda
sys-usb domain-qdb-change:/qubes-block-devices path=/qubes-block-devices
work device-detach:block port=sys-usb:sda1
sys-usb device-list-change:usb
sys-usb device-removed:usb port=sys-usb:2-1
sys-usb domain-qdb-change:/qubes-usb-devices path=/qubes-usb-devices"
	events_clear
	expect 0 "qvm-block list sys-usb | cut -d' ' -f1; qvm-usb list sys-usb | cut -d' ' -f1" \
		$'sys-usb:sdb\nsys-usb:2-2\nsys-usb:2-3\nsys-usb:2-4.1\n'
	# once more, and it is gone when its qube starts again
	plug Unplug+2-1 usb sys-usb "$OK"
	expect 0 'raw admin.vm.Kill sys-usb; raw admin.vm.Start sys-usb' $'0\\0\n0\\0\n'
	rows <<<"usb.Available+2-1|sys-usb||0\\0"
	events_clear
	plug Plug+2-1 usb sys-usb "$OK"
	plug Plug+2-1 usb sys-usb "$OK"
	run events
	assert_output "\
sys-usb device-list-change:block
sys-usb device-added:block device=sys-usb:sda1:0951:1666:60A44C413FAE:u080650:1.0:1
sys-usb device-added:block device=sys-usb:sda:0951:1666:60A44C413FAE:u080650:1.0
sys-usb domain-qdb-change:/qubes-block-devices path=/qubes-block-devices
work device-pre-attach:block device=sys-usb:sda:0951:1666:60A44C413FAE:u080650:1.0 options={}
work device-attach:block device=sys-usb:sda:0951:1666:60A44C413FAE:u080650:1.0 options={'read-only': 'no', 'frontend-dev': 'xvdi'}
sys-usb device-list-change:usb
sys-usb device-added:usb device=sys-usb:2-1:0951:1666:60A44C413FAE:u080650
sys-usb domain-qdb-change:/qubes-usb-devices path=/qubes-usb-devices"
	# what the qube tells of stays, and what is unplugged outlives no daemon
	"$TESTBIN/qdb" "$QVMD_STATE/run/qubesdb.sys-usb.sock" write /qubes-block-devices/sdx/desc x >/dev/null
	"$TESTBIN/qdb" "$QVMD_STATE/run/qubesdb.sys-usb.sock" write /qubes-block-devices '' >/dev/null
	plug Unplug+sda block sys-usb "$OK"
	expect 0 "qvm-block list sys-usb | cut -d' ' -f1" $'sys-usb:sdb\nsys-usb:sdx\n'
	kill_daemon
	start_daemon
	expect 0 "raw admin.vm.Start sys-usb; qvm-block list sys-usb | cut -d' ' -f1" \
		$'0\\0\nsys-usb:sda\nsys-usb:sda1\nsys-usb:sdb\n'
	plug Unplug+2-9 usb sys-usb '2\0QubesException\0\0sys-usb has no usb device in port 2-9\0'
	plug Plug+2-1 usb work '2\0QubesException\0\0work has no usb device in port 2-1\0'
	plug Plug+2-1 webcam sys-usb "2\\0ProtocolError\\0\\0no such method: 'lab.device.webcam.Plug'\\0"
	plug Plug usb sys-usb '2\0ProtocolError\0\0expected an argument\0'
}

@test "pci: properties follow the assignment" {
	begin
	local get='raw admin.vm.property.Get'
	expect 0 "for p in virt_mode maxmem kernelopts; do $get+\$p vault; done" \
		'0\0default=True type=str pvh'$'\n''0\0default=True type=int 4000'$'\n''0\0default=True type=str swiotlb=2048'$'\n'
	rows <<<"pci.Assign+dom0+00_14.0|vault|mode='required'|$OK"
	expect 0 "for p in virt_mode maxmem kernelopts; do $get+\$p vault; done" \
		'0\0default=True type=str hvm'$'\n''0\0default=True type=int 0'$'\n''0\0default=True type=str '$'\n'
	expect 0 'for m in PVH pv hvm; do raw admin.vm.property.Set+virt_mode vault $m; done' \
		"2\\0QubesPropertyValueError\\0\\0pvh mode can't be set if pci devices are assigned\\0"$'\n''0\0'$'\n''0\0'$'\n'
	expect 0 'raw admin.vm.Start vault' '0\0'$'\n'
	rows <<-END
		pci.Attached|vault||0\0dom0+00_14.0:0x8086:0x51ed::p0c0330 device_id='0x8086:0x51ed::p0c0330' port_id='00_14.0' devclass='pci' backend_domain='dom0' mode='required' frontend_domain='vault'\n
		pci.Unassign+dom0+00_14.0|vault||$OK
	END
	raw admin.vm.Kill vault
	rows <<-END
		pci.Attached|vault||0\0
		pci.Assign+dom0+00_14.0|work|mode='required'|$OK
	END
	# Set before the device came: the start finds out.
	raw admin.vm.property.Set+virt_mode vault pvh
	rows <<<"pci.Assign+dom0+00_1f.3|vault|mode='required'|$OK"
	expect 0 'raw admin.vm.Start vault' "2\\0QubesException\\0\\0Can't attach PCI device to VM in pvh mode\\0"$'\n'
}

@test "denied.List, Add, Remove; Attach asks the list before anything else" {
	begin
	rows <<-END
		denied.List|work||0\0
		denied.Add|work||$OK
		denied.Add|work|u03****b******|$OK
		denied.Add|work|b******m******|$OK
		denied.List|work||0\0b******\nm******\nu03****
		denied.Add|work|b******b******|2\0ProtocolError\0\0Duplicated device interfaces in payload.\0
		denied.Add|work|b****|2\0QubesValueError\0\0Invalid length of interfaces='b****' (is 5, expected multiple of 7)\0
		denied.Remove|work|b****|2\0QubesValueError\0\0Invalid length of interfaces='b****' (is 5, expected multiple of 7)\0
		denied.Remove|work|b******b******|2\0ProtocolError\0\0Duplicated device interfaces in payload.\0
		denied.Add|work|x******|2\0QubesPropertyValueError\0\0Interface code list should be in the form chhhhhhchhhhhh...,where c is one of "b", "u", "m", "p", "*" and h is a hexdigit or "*".\0
		denied.Remove|work|m******p******|$OK
		denied.List|work||0\0b******\nu03****
		denied.List+x|far||2\0QubesNoSuchPropertyError\0\0Invalid property 'devices_denied' of far\0
		denied.Add|far|b******|2\0QubesNoSuchPropertyError\0\0Invalid property 'devices_denied' of far\0
		denied.Remove|far|all|2\0QubesNoSuchPropertyError\0\0Invalid property 'devices_denied' of far\0
		denied.Add|dom0|b******|$OK
		block.Attach+usb+sda++None|work||2\0PermissionDenied\0\0Device exposes a banned interface: Block Device\0
		block.Attach+usb+sda|work||2\0PermissionDenied\0\0Could not load interfaces to verify against denied list\0
		usb.Attach+usb+2-1+_|work||2\0PermissionDenied\0\0Could not load interfaces to verify against denied list\0
		usb.Attach+usb+2-1+1d6b+0104+CAFEBABE+u080650|work||$OK
		usb.Detach+usb+2-1|work||$OK
		denied.Remove|work|all|$OK
		denied.List|work||0\0
		denied.Add|vault|*******|$OK
		block.Attach+usb+gone+x|vault||2\0PermissionDenied\0\0Device exposes a banned interface: ?******\0
	END
	events_start
	rows <<-END
		denied.Add|work|m******|$OK
		denied.Add|work|m******|$OK
	END
	run events
	assert_output "\
work property-pre-set:devices_denied name=devices_denied newvalue=m****** oldvalue=
work property-set:devices_denied name=devices_denied newvalue=m****** oldvalue="
}

@test "the calls of 4.2" {
	begin --compat 4.2
	events_start
	local not='2\0DeviceNotAttached\0\0'
	rows <<-END
		block.Available|usb||0\0sda1 mode=w device_node=/dev/sda1 size=1024 description=SANDISK_Ultra_(DATA_1)\nsda mode=w device_node=/dev/sda size=0 description=SANDISK_Ultra\nsr0 mode=r device_node=/dev/sr0 size=0 description=_(it's_a_\\\\_CD)\n
		block.Available+sda|usb||0\0sda mode=w device_node=/dev/sda size=0 description=SANDISK_Ultra\n
		mic.Available|dom0||0\0mic description=Microphone: build-in Microphone\n
		block.Attach+usb+sda|work||$OK
		block.List|work||0\0usb+sda read-only=no frontend-dev=xvdi persistent=no\n
		block.Attach+usb+sda1|work|read-only=True persistent=False|$OK
		block.List+usb+sda1|work||0\0usb+sda1 read-only=yes frontend-dev=xvdj persistent=no\n
		block.Set.persistent+usb+sda|work|True|$OK
		block.List+usb+sda|work||0\0usb+sda read-only=no frontend-dev=xvdi persistent=yes\n
		block.Set.persistent+usb+sda|work|yes|
		block.Set.persistent+usb+sda|work|False|$OK
		block.List+usb+sda|work||0\0usb+sda read-only=no frontend-dev=xvdi persistent=no\n
		block.Set.persistent+usb+sr0|work|True|${not}'device sr0 of class block not attached to work'\0
		block.Detach+usb+sr0|work||${not}'device sr0 of class block not attached to work'\0
		block.Detach+usb+sda|work||$OK
		pci.Attach+dom0+00_14.0|vault|permissive=True|2\0QubesVMNotRunningError\0\0VM not running, can only attach device with persistent flag\0
		pci.Attach+dom0+00_14.0|vault|permissive=True persistent=yes|$OK
		pci.Attach+dom0+00_14.0|vault|persistent=yes|2\0DeviceAlreadyAttached\0\0'device 00_14.0 of class pci already attached to vault'\0
		pci.List|vault||0\0dom0+00_14.0 permissive=True persistent=yes\n
		usb.Attach+usb+2-1|work|persistent=1|$OK
		usb.List|work||0\0usb+2-1 persistent=yes\n
		block.Attach+usb+sda|work|read-only|
		block.Attach+usb+sda|work|a/b=c|
		block.Attach+usb+sda|work|a=b/c|
		block.Attach+usb+sda|work|persistent=x|
		block.Assigned|work||
		block.Attached|work||
		denied.List|work||
	END
	run events
	assert_output "\
work device-pre-attach:block device=usb:sda options={}
work device-attach:block device=usb:sda options={'read-only': 'no', 'frontend-dev': 'xvdi'}
work device-pre-attach:block device=usb:sda1 options={'read-only': 'True'}
work device-attach:block device=usb:sda1 options={'read-only': 'yes', 'frontend-dev': 'xvdj'}
work device-pre-assign:block device=usb:sda options={'read-only': 'no', 'frontend-dev': 'xvdi'}
work device-assign:block device=usb:sda options={'read-only': 'no', 'frontend-dev': 'xvdi'}
work device-unassign:block device=usb:sda
work device-pre-detach:block device=usb:sda
work device-detach:block device=usb:sda
vault device-pre-assign:pci device=dom0:00_14.0 options={'permissive': 'True'}
vault device-assign:pci device=dom0:00_14.0 options={'permissive': 'True'}
work device-pre-attach:usb device=usb:2-1 options={}
work device-attach:usb device=usb:2-1 options={}
work device-pre-assign:usb device=usb:2-1 options={}
work device-assign:usb device=usb:2-1 options={}"
}

@test "PCI devices in 4.2 are named by their bus" {
	start_daemon --compat 4.2
	rows <<-END
		pci.Available+01_00.0|dom0||0\\001_00.0 description=Network: Intel Corporation Ethernet Controller I225-V\\n
		pci.Available+00_1c.0-00_00.0|dom0||0\\0
		pci.Available+00_14.0|dom0||0\\000_14.0 description=PCI_USB: Intel Corporation Alder Lake PCH USB 3.2 xHCI Host Controller\\n
		pci.List|sys-net||0\\0dom0+01_00.0 persistent=yes\\n
	END
	expect 0 'raw admin.vm.Kill sys-net; raw admin.vm.Start sys-net; dev pci.List sys-net' \
		'0\0'$'\n''0\0'$'\n''0\0dom0+01_00.0 persistent=yes\n'$'\n'
}

@test "the names of disks that a qube sees" {
	sed -n '1,/class: block, port: sda,/p' "$BATS_TEST_TMPDIR/f.yaml" >"$BATS_TEST_TMPDIR/many.yaml"
	for i in {1..20}; do
		echo "      - {class: block, port: sdb$i}"
	done >>"$BATS_TEST_TMPDIR/many.yaml"
	sed -n '/name: work/p' "$BATS_TEST_TMPDIR/f.yaml" >>"$BATS_TEST_TMPDIR/many.yaml"
	start_daemon "$BATS_TEST_TMPDIR/many.yaml"
	for i in {1..20}; do
		dev "block.Attach+usb+sdb$i" work "_devtype='cdrom'" >/dev/null
	done
	run bash -c 'dev block.Attached work | grep -o "xvd[a-z]*" | sort | tr "\n" " "'
	assert_output 'xvdaa xvdd xvdi xvdj xvdk xvdl xvdm xvdn xvdo xvdp xvdq xvdr xvds xvdt xvdu xvdv xvdw xvdx xvdy xvdz '
}

@test "fixtures that are wrong say where" {
	cd "$BATS_TEST_TMPDIR"
	local item want
	while IFS='|' read -r item want; do
		printf 'qubes:\n  - name: dom0\n    %s\n' "$item" >wrong.yaml
		run --separate-stderr qvmd --foreground --state "state.$RANDOM$RANDOM" --fixture ./wrong.yaml
		assert_equal "$status $stderr" "1 qvmd: error: ./wrong.yaml:3:$want"
	done <<-'END'
		devices: [{port: mic}]|15: class: a device is of class block, mic, pci, testclass or usb
		devices: [{class: disk, port: mic}]|15: class: a device is of class block, mic, pci, testclass or usb
		devices: [{class: mic}]|15: port: '' is not a port of class mic
		devices: [{class: block, port: SDA}]|15: port: 'SDA' is not a port of class block
		devices: [{class: block, port: abcdefghijklm}]|15: port: 'abcdefghijklm' is not a port of class block
		devices: [{class: block, port: sda, colour: red}]|41: colour: a device has no such key
		devices: [{class: block, port: sda, parent: sdb}]|15: parent: CLASS:PORT is expected
		devices: [{class: block, port: sda, id: "a b"}]|15: id: an id is not empty and has no blanks
		devices: [{class: block, port: sda, interfaces: b***}]|15: devices: Invalid length of interfaces='b***' (is 4, expected multiple of 7)
		devices: [{class: block, port: sda, data: {"a=": b}}]|15: devices: Invalid chars in property name: {'='}
		devices: [{class: block, port: sda}, {class: block, port: sda}]|42: devices: there is another block device in port sda
		assigned: [{device: "dom0:x"}]|16: class: a device is of class block, mic, pci, testclass or usb
		assigned: [{class: usb}]|16: device: QUBE:PORT or QUBE:PORT:ID is expected
		assigned: [{class: usb, device: "dom0"}]|16: device: QUBE:PORT or QUBE:PORT:ID is expected
		assigned: [{class: usb, device: "nosuch:x"}]|16: device: there is no qube 'nosuch'
		assigned: [{class: usb, device: "dom0:x", mode: manual}]|16: mode: auto-attach, ask-to-attach or required is expected
		assigned: [{class: usb, device: "dom0:x", options: {"a`": b}}]|16: options: Invalid chars in property name: {'`'}
		assigned: [{class: usb, device: "dom0:x"}, {class: usb, device: "dom0:x:*"}]|48: device: assigned twice
		assigned: [{class: usb, port: x}]|29: port: an assignment has no such key
	END
}
