#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-device, qvm-block, qvm-usb, qvm-pci, qvm-mic: tools-runtime 7 and vectors 16 to 20 of its chapter 14.

load lib/common

# The world of tools-runtime 7.4; rules of standard input replace its own.
start_world() {
	local d=$BATS_TEST_TMPDIR q c
	{ [[ -t 0 ]] || cat; } >"$d/own"
	cat >"$d/world" <<-'END'
		> admin.vm.List+ dom0
		< 0\0dom0 class=AdminVM state=Running\nsys-net class=AppVM state=Running\nsys-usb class=AppVM state=Running\nvault class=AppVM state=Halted\nwork class=AppVM state=Running\n
		> admin.vm.device.block.Available+ sys-usb
		< 0\0sda:0951:1666:AB12:u080650:0 device_id='0951:1666:AB12:u080650:0' port_id='sda' devclass='block' backend_domain='sys-usb' name='DataTraveler' serial='AB12' interfaces='b******' _size='8000000' _mode='w' _device_node='/dev/sda'\nsda1:0951:1666:AB12:u080650:1 device_id='0951:1666:AB12:u080650:1' port_id='sda1' devclass='block' backend_domain='sys-usb' interfaces='b******' parent_port_id='sda' parent_devclass='block' _size='7000000' _mode='w'\n
		> admin.vm.device.block.Available+ dom0
		< 0\0loop0:x device_id='x' port_id='loop0' devclass='block' backend_domain='dom0' name='/root/it\\'s.iso' interfaces='b******' attachment='work' _mode='r'\n
		> admin.vm.device.block.Attached+ work
		< 0\0dom0+loop0:x device_id='x' port_id='loop0' devclass='block' backend_domain='dom0' mode='manual' frontend_domain='work' _read-only='yes' _frontend-dev='xvdi'\n
		> admin.vm.device.block.Assigned+ vault
		< 0\0sys-usb+sda:* device_id='*' port_id='sda' devclass='block' backend_domain='sys-usb' mode='auto-attach' frontend_domain='vault'\nsys-usb+*:0951:1666:AB12:u080650:1 device_id='0951:1666:AB12:u080650:1' port_id='*' devclass='block' backend_domain='sys-usb' mode='required' frontend_domain='vault' _read-only='yes'\n
	END
	for q in dom0 sys-net sys-usb vault work; do
		for c in Available Attached Assigned; do
			printf '> admin.vm.device.%s.%s+ %s\n< 0\\0\n' block $c $q usb $c $q pci $c $q mic $c $q testclass $c $q
		done
		printf '> admin.vm.property.Get+devices_denied %s\n< 0\\0default=True type=str \n' $q
	done >>"$d/world"
	# The first of a request counts; what stands twice among the own rules is answered in turn.
	awk 'FILENAME == ARGV[1] { if (/^>/) own[$0] = 1; print; next }
	     /^>/ { skip = $0 in own || $0 in seen; seen[$0] = 1 }
	     !skip' "$d/own" "$d/world" >"$d/script"
	start_script "$d/script"
}
log() { calls | tr -d '\0' | sed 's/admin.vm.device.block\.//'; }
# last STATUS COMMAND TEXT: nothing on stdout, the last line of stderr.
last() {
	run --separate-stderr bash -c "$2"
	assert_equal "$2: $status [$output] ${stderr##*$'\n'}" "$2: $1 [] $3"
}

LIST="dom0:loop0    Block_Storage: unknown vendor /root/it's.iso  work (attached: read-only=yes, frontend-dev=xvdi)
sys-usb:sda   Block_Storage: unknown vendor DataTraveler    
sys-usb:sda1  sub-device of sys-usb:sda                     
"

# The same of qube work alone.
LOOP="dom0:loop0  Block_Storage: unknown vendor /root/it's.iso  work (attached: read-only=yes, frontend-dev=xvdi)
"

@test "list: every way to say it, only running qubes are asked, each once" {
	start_world </dev/null
	local words
	for words in qvm-block 'qvm-block list' 'qvm-block ls' 'qvm-block l' 'qvm-device block' 'qvm-device block l' \
		"qvm-block l '*'" 'qvm-block l dom0 sys-usb work'; do
		calls_clear
		expect 0 "$words" "$LIST" ''
		assert_equal "$words: $(log | sort | uniq -d)" "$words: "
	done
	assert_equal "$(log | sort)" "\
dom0 Attached+
dom0 Available+
dom0 admin.vm.List+
sys-net Attached+
sys-usb Attached+
sys-usb Available+
work Attached+
work Available+"
	ln -s "$BIN/qvm-device" "$BATS_TEST_TMPDIR/x-qvm-block"
	expect 0 "$BATS_TEST_TMPDIR/x-qvm-block" "$LIST" ''
}

@test "list: chosen qubes" {
	start_world </dev/null
	local usb="sys-usb:sda   Block_Storage: unknown vendor DataTraveler  
sys-usb:sda1  sub-device of sys-usb:sda                   
"
	expect 0 'qvm-block list sys-usb' "$usb" ''
	expect 0 'qvm-block list work' "$LOOP" ''
	assert_equal "$(log | grep -c 'dom0 Available')" 1
	expect 0 'qvm-block list dom0' "$LOOP" ''
	expect 0 'qvm-block list vault' '' ''
	expect 0 'qvm-block list --all' "$LIST" ''
	expect 0 'qvm-block list --all --exclude work' "$usb" ''
	expect 0 'qvm-block list --where name=sys-*' "$usb" ''
	expect 0 "qvm-block list 'zz*'" '' ''
	last 2 'qvm-block list nosuch' "qvm-block: error: no such domain: 'nosuch'"
	last 2 'qvm-block list --exclude work' 'qvm-block: error: --exclude can only be used with --all'
	last 2 'qvm-block list --all work' 'qvm-block list: error: argument VMNAME: not allowed with argument --all'
}

@test "list: assignments of all qubes" {
	start_world </dev/null
	expect 0 'qvm-block list -s' "\
dom0:loop0    Block_Storage: unknown vendor /root/it's.iso  work (attached: read-only=yes, frontend-dev=xvdi)
sys-usb:*     0951:1666:AB12:u080650:1                      *vault (required: read-only=yes)
sys-usb:sda   Block_Storage: unknown vendor DataTraveler    
sys-usb:sda   any device                                    *vault (auto-attach)
sys-usb:sda1  sub-device of sys-usb:sda                     
" ''
	assert_equal "$(log | grep Assigned | sort)" "\
dom0 Assigned+
sys-net Assigned+
sys-usb Assigned+
vault Assigned+
work Assigned+"
	stop_script
	# One row may name several qubes: what is assigned to any device fits it too, but not the other way round.
	start_world <<-'END'
		> admin.vm.device.usb.Assigned+ vault
		< 0\0sys-usb+1-1:* device_id='*' port_id='1-1' mode='ask-to-attach'\n
		> admin.vm.device.usb.Assigned+ work
		< 0\0sys-usb+1-1:12:34 mode='auto-attach' _a='b' _c='d'\n
	END
	expect 0 'qvm-usb list --assignments vault' "\
sys-usb:1-1  12:34       *vault (ask-to-attach), *work (auto-attach: a=b, c=d)
sys-usb:1-1  any device  *vault (ask-to-attach)
" ''
}

@test "list: PCI addresses, and a header on a terminal" {
	start_world <<-'END'
		> admin.vm.device.pci.Available+ dom0
		< 0\000_14.0:a device_id='a' port_id='00_14.0' devclass='pci' backend_domain='dom0' vendor='v' product='p1' interfaces='p0c0330' _sbdf='0000:00:14.0'\n00_1d.0-00_00.0:b device_id='b' port_id='00_1d.0-00_00.0' devclass='pci' backend_domain='dom0' vendor='v' product='p2' interfaces='p020000' _sbdf='0000:aa:00.0'\n
		> admin.vm.device.pci.Attached+ sys-net
		< 0\0dom0+00_1d.0-00_00.0:b mode='required' frontend_domain='sys-net'\n
		> admin.vm.device.pci.Assigned+ sys-net
		< 0\0dom0+00_1d.0-00_00.0:b mode='required' frontend_domain='sys-net'\n
	END
	local net='dom0:00_1d.0-00_00.0  0000:aa:00.0  Network: v p2  sys-net (attached)'$'\n'
	expect 0 'qvm-pci list --with-sbdf sys-net' "$net" ''
	expect 0 'qvm-pci list --resolve-paths sys-net' "$net" ''
	expect 0 'qvm-pci list sys-net' $'dom0:00_1d.0-00_00.0  Network: v p2  sys-net (attached)\n' ''
	expect 0 'qvm-pci list --all --with-sbdf' "$net" ''
	expect 0 'qvm-pci list --with-sbdf -s' "\
dom0:00_14.0          0000:00:14.0  PCI_USB: v p1  
dom0:00_1d.0-00_00.0  0000:aa:00.0  Network: v p2  sys-net (attached)
dom0:00_1d.0-00_00.0                b              *sys-net (required)
" ''
	expect 0 'qvm-block list --with-sbdf work' "$LOOP" ''
	expect 0 "script -qec 'qvm-pci list --with-sbdf sys-net' /dev/null </dev/null | tr -d '\r'" "\
BACKEND:DEVID         SBDF          DESCRIPTION    USED BY
$net"
	expect 0 "script -qec 'qvm-block list vault' /dev/null </dev/null | tr -d '\r'" 'BACKEND:DEVID  DESCRIPTION  USED BY'$'\n'
}

@test "list: refused, vanished, unreadable" {
	local none="Error: Failed to list 'block' devices, this device type either does not exist or you do not have access to it."$'\n'
	local reply
	for reply in close '2\0ProtocolError\0\0no such method\0' '2\0PermissionDenied\0\0no\0'; do
		start_world <<<$'> admin.vm.device.block.Attached+ sys-net\n< '"$reply"
		expect 1 'qvm-block' '' "$none"
		stop_script
	done
	start_world <<<$'> admin.vm.device.block.Attached+ sys-net\n< 2\\0QubesException\\0\\0boom\\0'
	expect 1 'qvm-block' '' $'Error: boom\n'
	stop_script
	start_world <<<$'> admin.vm.device.block.Available+ work\n< 2\\0QubesVMNotFoundError\\0\\0No such domain: \'work\'\\0'
	expect 0 'qvm-block' "$LIST" ''
	expect 0 'qvm-block list --all' "$LIST" ''
	expect 1 'qvm-block list work' '' $'Error: No such domain: \'work\'\n'
	stop_script
	# Lines that speak of something else tell so; the device is listed as unknown.
	start_world <<-'END'
		> admin.vm.device.block.Available+ work
		< 0\0a:1 backend_domain='otherwhen'\nb:A device_id='B'\nc:x interfaces='b****'\nd:x port_id='e'\nf:x devclass='usb'\ng:x a\nh:x\xff\n :x\n
		> admin.vm.device.block.Attached+ work
		< 0\0
	END
	expect 0 'qvm-block list work' "\
work:a  ?******: unknown vendor unknown block device  
work:b  ?******: unknown vendor unknown block device  
work:c  ?******: unknown vendor unknown block device  
work:d  ?******: unknown vendor unknown block device  
work:f  ?******: unknown vendor unknown block device  
work:g  ?******: unknown vendor unknown block device  
" "\
Got device exposed by otherwhen when expected devices from work.
Unrecognized device identity 'B' expected 'A'
Invalid length of interfaces='b****' (is 5, expected multiple of 7)
Got device from port: e when expected port: d.
Got usb device when expected block.
Invalid device properties:  a
Invalid device line: h:x"$'\xff'"
Invalid device line:  :x
"
	stop_script
	start_world <<<$'> admin.vm.device.block.Attached+ work\n< 0\\0dom0+loop0:x port_id=\'sda\'\\n'
	expect 1 'qvm-block list work' '' $'Error: Got device from port: sda when expected port: loop0.\n'
	stop_script
	start_world <<<$'> admin.vm.device.block.Attached+ work\n< 0\\0nobody\\n'
	expect 1 'qvm-block list work' '' $'Error: Invalid device line: nobody\n'
	stop_script
	# What is attached but not offered any more is shown as unknown.
	start_world <<<$'> admin.vm.device.block.Available+ dom0\n< 0\\0'
	expect 0 'qvm-block list work' "dom0:loop0  ?******: unknown vendor unknown block device  work (attached: read-only=yes, frontend-dev=xvdi)"$'\n' ''
	stop_script
	start_script <<<$'> admin.vm.List+ dom0\n< 2\\0QubesException\\0\\0boom\\0'
	expect 1 'qvm-block' '' $'Error: boom\n'
}

@test "descriptions: categories, names of the lists, what is missing" {
	mkdir "$BATS_TEST_TMPDIR/hwdata"
	tr "~" "\t" >"$BATS_TEST_TMPDIR/hwdata/usb.ids" <<-'END'
		# a list
		0951  Kingston
		~1666  DataTraveler
		C 03  Human Interface Device
		~00  No Subclass
		~~01  Keyboard
		~01  Boot Interface Subclass
		C 0a  CDC Data
		~00  Unused
		~~30  I.430 ISDN BRI
		C 11  Billboard
		~00  none
		~~00  None
		C fe  Application Specific Interface
		~01  Device Firmware Update
		~02  IRDA_Bridge
		C ff  Vendor Specific Class
		~ff  Vendor Specific Subclass
		~~ff  Vendor Specific Protocol
	END
	tr "~" "\t" >"$BATS_TEST_TMPDIR/hwdata/pci.ids" <<-'END'
		C 07  Communication controller
		~00  Serial controller
		~~00  8250
		~80  Communication controller
		C 08  Generic system peripheral
		~00  PIC
		~80  System peripheral
		C ff  Unassigned class
	END
	export QVM_HWDATA_DIR=$BATS_TEST_TMPDIR/hwdata
	local class interfaces words want lines n port text
	while read -r class; do
		lines='' want='' n=0
		while IFS='|' read -r interfaces words text; do
			[[ -n $interfaces ]] || break
			n=$((n + 1))
			printf -v port '%02d' $n
			lines+="$port:x interfaces='$interfaces'${words:+ $words}"'\n'
			want+="sys-usb:$port $text"$'\n'
		done
		start_world <<<"> admin.vm.device.$class.Available+ sys-usb"$'\n'"< 0\\0$lines"
		expect 0 "qvm-$class list sys-usb | sed 's/  */ /;s/ *$//'" "$want" ''
		stop_script
	done <<-'END'
		usb
		u030102|vendor='Logitech' product='Optical Mouse'|Mouse: Logitech Optical Mouse
		u030101u030102|vendor='V' product='KVM'|Keyboard: V KVM
		uff0000|manufacturer='ACME' name='Widget'|USB device: ACME Widget
		u0b0000||Smart_Card_Readers: unknown vendor unknown usb device
		u0a0000ue00101|serial='S1'|Bluetooth: unknown vendor S1
		ufe0100|vendor='V' product='DFU'|Device Firmware Update: V DFU
		ufe0200|vendor='V' product='P'|IRDA Bridge: V P
		u110000|vendor='V' product='Billboard'|Billboard: V Billboard
		u0a0030|vendor='unknown' product='unknown' manufacturer='M' name='unknown' serial='S'|I.430 ISDN BRI: M S
		uffffff|vendor='V'|Vendor Specific Protocol: V unknown usb device
		uff0000ufe0100|vendor='V' product='P'|Device Firmware Update: V P
		u0e0100|vendor='V' product='P'|Camera: V P
		?******|vendor='V' product='P'|?******: V P

		pci
		p0c0330|vendor='v' product='p1'|PCI_USB: v p1
		p088000|vendor='Intel' product='Sys'|System peripheral: Intel Sys
		p078000|vendor='Intel' product='ME'|Communication controller: Intel ME
		pff0000|vendor='Intel' product='X'|Unassigned class: Intel X
		p030000|vendor='Intel' product='X'|Display: Intel X
		p040380|vendor='Intel' product='X'|Audio: Intel X
		p060100|vendor='Intel' product='X'|PCI_Bridge: Intel X

		block
		b******|name='DataTraveler'|Block_Storage: unknown vendor DataTraveler
		b******|parent_port_id='sda' parent_devclass='block'|sub-device of sys-usb:sda
		b******|parent_port_id='sda' manufacturer='M' serial='S'|Block_Storage: M S

		mic
		m******|vendor='ITL' product='Microphone'|Microphone: ITL Microphone

	END
	QVM_HWDATA_DIR=/nowhere
	start_world <<<$'> admin.vm.device.usb.Available+ sys-usb\n< 0\\01:x interfaces=\'ufe0100\' product=\'P\'\\n'
	expect 0 'qvm-usb list sys-usb' 'sys-usb:1  USB device: unknown vendor P  '$'\n' ''
}

@test "a device that is named wrongly, or is not there" {
	start_world </dev/null
	local verb form='qvm-block: error: expected a backend vm, port id and [optional] device id combination like foo:bar[:baz] got'
	for verb in 'attach vault' 'detach vault' 'assign vault' 'unassign vault' info; do
		last 2 "qvm-block $verb sda" "$form sda"
		last 2 "qvm-block $verb :sda" "$form :sda"
		last 2 "qvm-block $verb sys-usb:" "$form sys-usb:"
		last 1 "qvm-block $verb nosuch:sda" 'qvm-block: error: no such backend vm!'
	done
	last 2 "qvm-block attach vault '*:sda'" "$form *:sda"
	last 1 'qvm-block attach vault sys-usb:nope' "qvm-block: error: backend vm sys-usb doesn't expose block device 'nope'"
	last 1 'qvm-block attach vault sys-usb:sda:other' "qvm-block: error: backend vm sys-usb doesn't expose block device 'sda'"
	last 1 'qvm-block info sys-usb:nope' "qvm-block: error: backend vm sys-usb doesn't expose block device 'nope'"
	last 1 'qvm-block info sys-usb:sda:other' 'qvm-block: error: this option works only for explicitly given port ID and does not support device ID'
	last 1 'qvm-block info sys-usb:nope:other' 'qvm-block: error: this option works only for explicitly given port ID and does not support device ID'
	last 1 'qvm-block assign vault sys-usb:nope' "Error: backend vm sys-usb doesn't expose block device 'nope'"
	last 2 'qvm-block attach nosuch sys-usb:sda' "qvm-block: error: no such domain: 'nosuch'"
	last 2 "qvm-block attach 'zz*' sys-usb:sda" "qvm-block: error: no such domain: 'zz*'"
	last 2 "qvm-block attach 'sys-*' sys-usb:sda" "qvm-block: error: 'sys-*' matches more than one domain"
	last 2 'qvm-block attach vault' 'qvm-block attach: error: the following arguments are required: DEVICE'
	last 2 'qvm-block bogus' "qvm-block: error: argument command: invalid choice: 'bogus' (choose from 'list', 'ls', 'l', 'attach', 'at', 'a', 'detach', 'd', 'dt', 'assign', 's', 'unassign', 'u', 'info', 'i')"
	refute [ "$(log | grep -c 'tach+.\|ssign+.')" -gt 0 ]
}

# props ID PORT MODE [QUBE [OPTIONS]]
props() {
	echo "device_id='$1' port_id='$2' devclass='block' backend_domain='sys-usb' mode='$3' frontend_domain='${4-vault}'${5+ $5}"
}
SDA=0951:1666:AB12:u080650:0
ARG=sys-usb+sda+0951+1666+AB12+u080650+0

@test "attach: what is sent" {
	start_world <<-END
		> admin.vm.device.block.Attach+$ARG vault *
		< 0\0
	END
	local words options
	while IFS='|' read -r words options; do
		calls_clear
		expect 0 "qvm-block $words" '' ''
		assert_equal "$words: $(log)" "$words: dom0 admin.vm.List+
sys-usb Available+
vault Attach+$ARG <- $(props $SDA sda manual vault ${options:+"$options"})"
	done <<-'END'
		a vault sys-usb:sda --ro -o frontend-dev=xvdl|_frontend-dev='xvdl' _read-only='yes'
		attach vault sys-usb:sda|
		at 'va*' sys-usb:sda:*|
		a vault sys-usb:sda:_|
		a vault sys-usb:sda:0951:1666:AB12:u080650:0|
		a vault sys-usb:*:0951:1666:AB12:u080650:0|
		a -o a=1 --option b=2 -oa=3 vault sys-usb:sda|_a='3' _b='2'
		a -o a=x=y -o b= vault sys-usb:sda|_a='x=y' _b=''
		a -o "n=it's" vault sys-usb:sda|_n='it\\'s'
		a -o ro=TRUE vault sys-usb:sda|_read-only='yes'
		a -o ro=0 -o devtype=disk vault sys-usb:sda|_devtype='disk' _read-only='no'
		a --ro -o ro=0 vault sys-usb:sda|_read-only='yes'
		a --opt a=b vault sys-usb:sda|_a='b'
	END
	assert_equal "$(calls | grep -c 'Attach+')" 1
}

@test "attach: refusals" {
	start_world <<-END
		> admin.vm.device.block.Attach+$ARG vault *
		< 2\0QubesVMNotRunningError\0\0VM not running, cannot attach device, do you mean \`assign\`?\0
		> admin.vm.device.block.Attach+$ARG vault *
		< 2\0DeviceAlreadyAttached\0\0'Device sys-usb:sda:x already attached to work'\0
		> admin.vm.device.pci.Available+ dom0
		< 0\000_14.0:a product='p1'\n
		> admin.vm.device.usb.Available+ sys-usb
		< 0\01-1:x:y product='p1'\n1-2:x:y product='p1'\n
	END
	last 1 'qvm-block attach vault sys-usb:sda' 'Error: VM not running, cannot attach device, do you mean `assign`?'
	last 1 'qvm-block attach vault sys-usb:sda' 'Error: Device sys-usb:sda:x already attached to work'
	last 1 'qvm-block attach vault sys-usb:sda -o x' "Error: invalid option 'x', expected name=value"
	last 1 'qvm-block attach vault sys-usb:sda -o ro=maybe' 'Error: Unknown `read-only` option value: maybe'
	last 1 "qvm-block attach vault sys-usb:sda -o 'a\`=b'" "Error: Invalid chars in property name: {'\`'}"
	last 1 "qvm-block attach vault sys-usb:sda -o \$'a=\\t'" "Error: Invalid chars in property value: {'\\x09'}"
	last 1 'qvm-pci attach work dom0:00_14.0' 'Error: PCI devices cannot be attached manually, did you mean `qvm-pci assign --required ...`'
	last 1 'qvm-usb attach work sys-usb:*:x:y' 'Error: Too many devices matches to assignment'
	last 1 'qvm-usb attach work sys-usb:*:z' "qvm-usb: error: backend vm sys-usb doesn't expose usb device '*'"
	last 1 'qvm-usb attach work sys-usb:*' "qvm-usb: error: backend vm sys-usb doesn't expose usb device '*'"
}

@test "attach --persistent: the assignment decides" {
	start_world <<-END
		> admin.vm.device.block.Attach+$ARG vault *
		< 2\0QubesVMNotRunningError\0\0no\0
		> admin.vm.device.block.Assign+$ARG vault *
		< 0\0
		> admin.vm.device.block.Assign+$ARG vault *
		< 2\0DeviceAlreadyAssigned\0\0'again'\0
		> admin.vm.device.pci.Available+ dom0
		< 0\000_14.0:a product='p1'\n
		> admin.vm.device.pci.Assign+dom0+00_14.0+a vault *
		< 0\0
		> admin.vm.device.usb.Available+ sys-usb
		< 0\01-1:a product='p1'\n
		> admin.vm.device.usb.Attach+sys-usb+1-1+a vault *
		< 0\0
	END
	expect 0 'qvm-block attach -p vault sys-usb:sda' '' ''
	assert_equal "$(log | tail -2)" "\
vault Attach+$ARG <- $(props $SDA sda required)
vault Assign+$ARG <- $(props $SDA sda required)"
	last 1 'qvm-block attach --persistent vault sys-usb:sda' 'Error: again'
	calls_clear
	expect 0 'qvm-pci attach --persistent vault dom0:00_14.0' '' ''
	refute [ "$(calls | grep -c 'Attach+')" -gt 0 ]
	last 1 'qvm-usb attach -p vault sys-usb:1-1' 'Error: Only pci and block devices can be assigned as required.'
}

@test "detach" {
	local two='0\0sys-usb+sda:'$SDA$' mode=\'manual\'\\ndom0+loop0:x mode=\'manual\'\\nsys-usb+gone:1:2 mode=\'manual\'\\n'
	start_world <<-END
		> admin.vm.device.block.Attached+ work
		< $two
		> admin.vm.device.block.Detach+$ARG work
		< 0\0
		> admin.vm.device.block.Detach+sys-usb+sda+_ work
		< 0\0
		> admin.vm.device.block.Detach+dom0+loop0+x work
		< 0\0
		> admin.vm.device.block.Detach+sys-usb+gone+1+2 work
		< 2\0DeviceNotAssigned\0\0'block device gone not attached to work'\0
	END
	local words want
	while IFS='|' read -r words want; do
		calls_clear
		expect 0 "qvm-block $words" '' ''
		assert_equal "$words: $(log | tail -n +2 | tr '\n' ' ')" "$words: $want "
	done <<-END
		d work sys-usb:sda|sys-usb Available+ work Detach+$ARG
		detach work sys-usb:sda:$SDA|sys-usb Available+ work Detach+$ARG
		dt work sys-usb:sda:*|work Detach+sys-usb+sda+_
		d work sys-usb:sda:_|work Detach+sys-usb+sda+_
		d work sys-usb:*:$SDA|work Attached+ work Detach+$ARG
		d vault|vault Attached+
	END
	calls_clear
	# All of them, until one cannot be.
	last 1 'qvm-block d work' 'Error: block device gone not attached to work'
	assert_equal "$(log)" "\
dom0 admin.vm.List+
work Attached+
work Detach+$ARG
work Detach+dom0+loop0+x
work Detach+sys-usb+gone+1+2"
	# Gone from its port, but the qube still has it.
	last 1 'qvm-block d work sys-usb:gone' 'Error: block device gone not attached to work'
	last 1 'qvm-block d work sys-usb:gone:1:2' 'Error: block device gone not attached to work'
	last 1 'qvm-block d work sys-usb:gone:1:3' 'Error: sys-usb:gone:1:3 not found.'
	last 1 'qvm-block d vault sys-usb:nope' 'Error: sys-usb:nope:0000:0000::?****** not found.'
	last 1 'qvm-block d work sys-usb:*:9:9' 'Error: sys-usb:*:9:9 is not attached.'
}

@test "assign: what is sent, and what may be done now" {
	start_world <<-END
		> admin.vm.device.block.Assign+$ARG work *
		< 0\0
		> admin.vm.device.block.Assign+sys-usb+sda+_ work *
		< 0\0
		> admin.vm.device.block.Assign+sys-usb+_+0951+1666+AB12+u080650+0 work *
		< 0\0
		> admin.vm.device.block.Assign+sys-usb+nope+12+34 work *
		< 0\0
		> admin.vm.device.block.Assign+sys-usb+nope+_ work *
		< 0\0
		> admin.vm.device.block.Assign+dom0+loop0+x work *
		< 0\0
		> admin.vm.device.block.Assign+sys-usb+_+_ work *
		< 0\0
		> admin.vm.device.block.Assign+$ARG vault *
		< 0\0
	END
	local now='Assigned. To attach you can now restart domain or run: '
	expect 0 'qvm-block assign work sys-usb:sda --required --ro' "$now
	qvm-block attach -o read-only=yes work sys-usb:sda
" ''
	assert_equal "$(log)" "\
dom0 admin.vm.List+
sys-usb Available+
work Assign+$ARG <- $(props $SDA sda required work "_read-only='yes'")
work admin.vm.property.Get+devices_denied
work Attached+"
	local words mode id port command
	while IFS='|' read -r words mode id port command; do
		calls_clear
		expect 0 "qvm-block $words" "${command:+"$now"$'\n'$'\t'"$command"$'\n'}" ''
		assert_equal "$words: $(calls | tr -d '\0' | grep -o "device_id=.*")" "$words: $(props "$id" "$port" "$mode" work)"
	done <<-END
		s work sys-usb:sda|auto-attach|$SDA|sda|qvm-block attach work sys-usb:sda
		s work sys-usb:sda:*|auto-attach|*|sda|qvm-block attach work sys-usb:sda
		s --ask work sys-usb:sda|ask-to-attach|$SDA|sda|qvm-block attach work sys-usb:sda
		s --ask-to-attach work sys-usb:sda|ask-to-attach|$SDA|sda|qvm-block attach work sys-usb:sda
		s --port work sys-usb:sda|auto-attach|*|sda|qvm-block attach work sys-usb:sda
		s --only-port work sys-usb:nope|auto-attach|*|nope|
		s --device work sys-usb:sda|auto-attach|$SDA|*|qvm-block attach work sys-usb:sda
		s --only-device work sys-usb:*:$SDA|auto-attach|$SDA|*|qvm-block attach work sys-usb:sda
		s work sys-usb:nope:12:34|auto-attach|12:34|nope|
	END
	expect 0 "qvm-block s -o \"a=it's\" work 'sys-usb:*:*'" "$now
	qvm-block attach -o 'a=it'\"'\"'s' work sys-usb:sda
	qvm-block attach -o 'a=it'\"'\"'s' work sys-usb:sda1
" ''
	# Attached already; not running; quiet in both places.
	expect 0 'qvm-block s work dom0:loop0' '' ''
	calls_clear
	expect 0 'qvm-block s vault sys-usb:sda' '' ''
	assert_equal "$(log | tail -1)" 'vault admin.vm.property.Get+devices_denied'
	expect 0 'qvm-block -q s work sys-usb:sda && qvm-block s -q work sys-usb:sda' '' ''
}

@test "assign: the denied list, and refusals" {
	start_world <<-END
		> admin.vm.device.block.Assign+$ARG vault *
		< 0\0
		> admin.vm.device.block.Assign+$ARG vault *
		< 2\0DeviceAlreadyAssigned\0\0'block device x already assigned to vault'\0
		> admin.vm.property.Get+devices_denied vault
		< 0\0default=False type=str m******b******
		> admin.vm.device.block.Assign+$ARG sys-net *
		< 0\0
		> admin.vm.property.Get+devices_denied sys-net
		< close
		> admin.vm.device.webcam.Available+ sys-usb
		< 0\0cam:x product='p'\n
		> admin.vm.device.pci.Available+ dom0
		< 0\000_14.0:a product='p1'\n
		> admin.vm.device.pci.Assign+dom0+00_14.0+a work *
		< 0\0
		> admin.vm.device.usb.Available+ sys-usb
		< 0\02-1:a product='p1'\n
	END
	expect 0 'qvm-block assign vault sys-usb:sda' "\
Warning: The assigned device is on the denied list.
           Auto-attach will work, but make sure that the assignment is correct.
" ''
	last 1 'qvm-block assign vault sys-usb:sda' 'Error: block device x already assigned to vault'
	expect 0 'qvm-block assign sys-net sys-usb:sda' $'Assigned. To attach you can now restart domain or run: \n\tqvm-block attach sys-net sys-usb:sda\n' ''
	last 1 'qvm-pci assign work dom0:00_14.0' 'Error: PCI devices cannot be assigned as not required.'
	last 1 'qvm-usb assign work sys-usb:2-1 --required' 'Error: Only pci and block devices can be assigned as required.'
	last 1 'qvm-device webcam assign work sys-usb:cam' 'Error: webcam devices cannot be assigned to be automatically attached.'
	last 1 'qvm-device webcam assign -r work sys-usb:cam' 'Error: Only pci and block devices can be assigned as required.'
	last 2 'qvm-block assign work sys-usb:sda -r --ask' 'qvm-block assign: error: argument --ask/--ask-to-attach: not allowed with argument --required/-r'
	last 2 'qvm-block assign work sys-usb:sda --port --device' 'qvm-block assign: error: argument --device/--only-device: not allowed with argument --port/--only-port'
	expect 0 'qvm-pci assign -r work dom0:00_14.0' '' ''
}

@test "unassign" {
	local two='0\0sys-usb+sda:* mode=\x27auto-attach\x27\nsys-usb+*:0951:1666:AB12:u080650:1 mode=\x27required\x27\nsys-usb+old:1:2 mode=\x27required\x27\nsys-usb+twice:1 mode=\x27required\x27\nsys-usb+twice:2 mode=\x27required\x27\n'
	start_world <<-END
		> admin.vm.device.block.Assigned+ work
		< $two
		> admin.vm.device.block.Attached+ work
		< 0\0sys-usb+sda:$SDA mode='auto-attach'\nsys-usb+sda1:0951:1666:AB12:u080650:1 mode='required'\n
		> admin.vm.device.block.Unassign+sys-usb+sda+_ work
		< 0\0
		> admin.vm.device.block.Unassign+sys-usb+_+0951+1666+AB12+u080650+1 work
		< 0\0
		> admin.vm.device.block.Unassign+$ARG work
		< 2\0DeviceNotAssigned\0\0'block device sys-usb:sda:x not assigned to work'\0
		> admin.vm.device.block.Unassign+sys-usb+old+1+2 work
		< 0\0
		> admin.vm.device.block.Unassign+sys-usb+twice+1 work
		< 2\0DeviceNotAssigned\0\0'boom'\0
		> admin.vm.device.block.Unassign+sys-usb+twice+0000+0000++_______ work
		< 2\0DeviceNotAssigned\0\0'not so'\0
		> admin.vm.device.block.Unassign+sys-usb+none+0000+0000++_______ work
		< 2\0DeviceNotAssigned\0\0'not so'\0
		> admin.vm.device.block.Unassign+sys-usb+sda+_ vault
		< 0\0
		> admin.vm.device.block.Unassign+sys-usb+_+0951+1666+AB12+u080650+1 vault
		< 0\0
	END
	local now=$'Unassigned. To detach you can now restart domain or run: \n \tqvm-block detach work sys-usb:'
	run --separate-stderr qvm-block u work
	assert_equal "$status $stderr" '1 Error: boom'
	assert_equal "$output" "${now}sda"$'\n'"${now}sda1"
	expect 0 'qvm-block u work sys-usb:sda --port' "${now}sda"$'\n' ''
	expect 0 'qvm-block unassign work sys-usb:sda1 --device' "${now}sda1"$'\n' ''
	expect 0 'qvm-block -q unassign work sys-usb:sda1 --device' '' ''
	last 1 'qvm-block u work sys-usb:sda' 'Error: block device sys-usb:sda:x not assigned to work'
	# Nothing in the port: the one assignment of it is meant, if there is just one.
	calls_clear
	expect 0 'qvm-block u work sys-usb:old' '' ''
	assert_equal "$(log)" "\
dom0 admin.vm.List+
sys-usb Available+
work Assigned+
work Unassign+sys-usb+old+1+2
work Attached+"
	last 1 'qvm-block u work sys-usb:twice' 'Error: not so'
	last 1 'qvm-block u work sys-usb:none' 'Error: not so'
	# A halted qube has nothing attached.
	calls_clear
	expect 0 'qvm-block u vault' '' ''
	assert_equal "$(log)" "\
dom0 admin.vm.List+
vault Assigned+
vault Unassign+sys-usb+sda+_
vault Unassign+sys-usb+_+0951+1666+AB12+u080650+1"
	expect 0 'qvm-usb u work' '' ''
}

@test "several attached devices of one assignment" {
	start_world <<-END
		> admin.vm.device.block.Attached+ work
		< 0\0sys-usb+sda:1\ndom0+loop0:x\nsys-usb+sdb:2\n
		> admin.vm.device.block.Unassign+sys-usb+_+_ work
		< 0\0
	END
	expect 0 "qvm-block u work 'sys-usb:*'" $'Unassigned. To detach you can now restart domain or run: \n \tqvm-block detach work sys-usb:sda\n\tqvm-block detach work sys-usb:sdb\n' ''
}

@test "info" {
	start_world <<-'END'
		> admin.vm.device.usb.Available+ sys-usb
		< 0\02-1:a:b _two_words='x' product='P' other_thing='y' port_id='2-1' interfaces='u030102' attachment='work'\n
	END
	local want="Block_Storage: unknown vendor DataTraveler
device ID: $SDA
size: 8000000
mode: w
device node: /dev/sda
"
	expect 0 'qvm-block info sys-usb:sda' "$want" ''
	expect 0 "qvm-block i sys-usb:sda:$SDA" "$want" ''
	expect 0 'qvm-usb info sys-usb:2-1' $'Mouse: unknown vendor P\ndevice ID: a:b\nother thing: y\ntwo words: x\n' ''
	expect 0 'qvm-block info' '' ''
	last 2 'qvm-block info vault sys-usb:sda' 'qvm-block: error: unrecognized arguments: sys-usb:sda'
	expect 0 'qvm-block info --json sys-usb:sda | jq -c .' '{"backend":"sys-usb","port":"sda","id":"'$SDA'","class":"block","description":"Block_Storage: unknown vendor DataTraveler","name":"DataTraveler","serial":"AB12","interfaces":"b******","_size":"8000000","_mode":"w","_device_node":"/dev/sda"}'$'\n' ''
}

@test "classes" {
	start_world <<-'END'
		> admin.deviceclass.List+ dom0
		< 0\0usb\nblock\npci\nmic\n
	END
	local words
	for words in 'qvm-device --list-device-classes' 'qvm-device --list-classes' 'qvm-block --list-device-classes' \
		'qvm-device block list --list-classes' 'qvm-block attach --list-device-classes vault' \
		'qvm-block assign x --list-classes -r' 'qvm-device usb d x --list-device-classes'; do
		expect 0 "$words" $'block\nmic\npci\nusb\n' ''
	done
	assert_equal "$(calls | sort -u)" 'dom0 admin.deviceclass.List+'
	expect 0 'qvm-device --json --list-classes | jq -c .' $'["block","mic","pci","usb"]\n' ''
	last 2 'qvm-device' 'qvm-device: error: the following arguments are required: DEVICE_CLASS'
	last 2 'qvm-device --list' 'qvm-device: error: the following arguments are required: DEVICE_CLASS'
	last 2 'qvm-block --verb' 'qvm-block: error: unrecognized arguments: --verb'
	last 2 'qvm-block list --assign --wit --no' 'qvm-block: error: unrecognized arguments: --no'
	local c
	for c in 'a b' a/b a.b ''; do
		expect 1 "qvm-device '$c'" '' "Error: Failed to list '$c' devices, this device type either does not exist or you do not have access to it."$'\n'
	done
}

@test "JSON" {
	start_world </dev/null
	expect 0 'qvm-block list -s --jsonl' '{"kind":"device","backend":"dom0","port":"loop0","id":"x","description":"Block_Storage: unknown vendor /root/it'"'"'s.iso","interfaces":"b******","sbdf":null,"qube":"work","mode":"manual","options":["read-only=yes","frontend-dev=xvdi"]}
{"kind":"assignment","backend":"sys-usb","port":null,"id":"0951:1666:AB12:u080650:1","description":null,"interfaces":null,"sbdf":null,"qube":"vault","mode":"required","options":["read-only=yes"]}
{"kind":"device","backend":"sys-usb","port":"sda","id":"0951:1666:AB12:u080650:0","description":"Block_Storage: unknown vendor DataTraveler","interfaces":"b******","sbdf":null,"qube":null,"mode":null,"options":[]}
{"kind":"assignment","backend":"sys-usb","port":"sda","id":null,"description":null,"interfaces":null,"sbdf":null,"qube":"vault","mode":"auto-attach","options":[]}
{"kind":"device","backend":"sys-usb","port":"sda1","id":"0951:1666:AB12:u080650:1","description":"sub-device of sys-usb:sda","interfaces":"b******","sbdf":null,"qube":null,"mode":null,"options":[]}
' ''
	expect 0 'qvm-block --json | jq -c length' $'3\n' ''
	expect 0 'qvm-block list vault --json' $'[]\n' ''
}

@test "hostile texts: a terminal gets nothing to act on, commands are quoted" {
	start_world <<-'END'
		> admin.vm.device.usb.Available+ sys-usb
		< 0\01-1:x product='a\x1b[31mb'\n1-2:x product='$(id)\\' name=`x`'\n$(reboot):x product='p'\n1-3:x product='tab\tbed' vendor='\xc3\xa9'\n
		> admin.vm.device.usb.Assign+sys-usb+$(reboot)+x work *
		< 0\0
	END
	run bash -c "script -qec 'qvm-usb list sys-usb' /dev/null </dev/null | tr -d '\r'"
	assert_equal "$output" "\
Invalid device line: 1-1:x product='a_[31mb'
Invalid device line: 1-3:x product='tab	bed' vendor='é'
BACKEND:DEVID      DESCRIPTION                              USED BY
sys-usb:\$(reboot)  ?******: unknown vendor p                
sys-usb:1-2        ?******: unknown vendor \$(id)' name=\`x\`  "
	expect 0 "qvm-usb assign work 'sys-usb:\$(reboot)' 2>&1 | tail -2" "\
Assigned. To attach you can now restart domain or run: 
	qvm-usb attach work 'sys-usb:\$(reboot)'
"
}

@test "what a backend says of its device does not stand for what is known of it" {
	start_script <<-'END'
		> admin.vm.List+ dom0
		< 0\0sys-usb class=AppVM state=Running\n
		> admin.vm.device.block.Available+ sys-usb
		< 0\0sda:x device_id='x' port_id='sda' devclass='block' backend_domain='sys-usb' name='N' description='d' backend='dom0' port='sdz' class='pci' id='y' size='2' interfaces='b******'\n
	END
	expect 0 'qvm-block info --json sys-usb:sda' '{"backend":"sys-usb","port":"sda","id":"x","class":"block","description":"Block_Storage: unknown vendor N","name":"N","size":"2","interfaces":"b******"}'$'\n' ''
}

@test "hostile texts, against the daemon" {
	start_daemon hostile
	expect 0 "qvm-block list -s dom0 | sed 's/   */  /g'" "\
dom0:-  Block_Storage: x'  
dom0:--all  Block_Storage: hosted by dom0 \`id\` ; rm -rf ~ & | > < * ? [a] {b,c} ! # %s %n  
dom0:--all  any device  *shell (auto-attach: \$(id)=it's \` ; \\, --= )
dom0:-rf  Block_Storage: ' mode='required a' b='c  
" ''
	expect 0 "qvm-block --jsonl list -s | jq -r '.options[]'" $'$(id)=it\'s ` ; \\\n--= \n' ''
	expect 0 'qvm-block info dom0:-rf' $'Block_Storage: \' mode=\'required a\' b=\'c\ndevice ID: $(id)\'*_?******\n' ''
	expect 0 'qvm-device testclass info dom0:..' $'?******: \\n\\t\\x1b[31m --json\ndevice ID: ../../etc/passwd\n../x: </script>\n--: "\n%s: %n\n' ''
	qvm-start shell
	# An option that there is not: the qube starts without the device.
	expect 0 'qvm-block list shell' '' ''
	expect 0 'qvm-block unassign shell; qvm-block list -s shell' '' ''
	refute [ -e /tmp/qvm-pwned ]
}

offers() {
	local got
	got=$("$2" --complete-words $(($# - 2)) "${@:2}" 2>&1 | tr '\n' ' ')
	assert_equal "${*:2}: ${got% }" "${*:2}: $1"
}

@test "completion: classes, qubes, devices" {
	start_world <<-'END'
		> admin.deviceclass.List+ dom0
		< 0\0block\nmic\npci\nusb\n
		> admin.vm.device.usb.Available+ sys-usb
		< 0\0$(x):x product='p'\n2-1:x product='p'\n
	END
	offers 'block mic pci usb' qvm-device ''
	offers 'assign attach' qvm-device block 'a'
	offers 'dom0 sys-net sys-usb vault work' qvm-block list ''
	offers 'sys-net sys-usb work' qvm-block attach ''
	offers 'dom0 sys-net sys-usb vault work' qvm-block assign ''
	offers 'dom0:loop0 sys-usb:sda sys-usb:sda1' qvm-block attach work ''
	offers 'sys-usb:sda sys-usb:sda1' qvm-device block assign work sys-usb:s
	offers 'dom0:loop0' qvm-block detach work ''
	offers 'sys-usb:sda' qvm-block unassign vault ''
	offers 'sys-usb:2-1' qvm-usb info ''
	offers '' qvm-usb detach work ''
	calls_clear
	offers '' qvm-mic attach work ''
	assert_equal "$(calls | grep -c vault)" 0
}

@test "against the daemon: each class, from attaching to unassigning" {
	start_daemon
	qvm-start work personal
	expect 0 'qvm-mic && qvm-mic attach work dom0:mic && qvm-mic && qvm-mic detach work' "\
dom0:mic  Microphone: build-in Microphone  
dom0:mic  Microphone: build-in Microphone  work (attached)
" ''
	expect 0 'qvm-mic assign work dom0:mic && qvm-mic list -s && qvm-mic unassign work' "\
Assigned. To attach you can now restart domain or run: 
	qvm-mic attach work dom0:mic
dom0:mic  Microphone: build-in Microphone  
dom0:mic  dom0:mic::m000000                *work (auto-attach)
" ''
	expect 0 'qvm-usb attach work sys-usb:2-3 && qvm-usb list work' $'sys-usb:2-3  Camera: Logitech, Inc. Webcam C270  work (attached)\n' ''
	last 1 'qvm-usb attach personal sys-usb:2-3' 'Error: Device sys-usb:2-3:046d:0825:7EB9:u0e0100u0e0200u010100 already attached to work'
	expect 0 'qvm-usb detach work sys-usb:2-3; qvm-usb list work' '' ''
	expect 0 'qvm-block attach --ro work sys-usb:sda && qvm-block list work && qvm-block detach work' "\
sys-usb:sda  Block_Storage: sub-device of sys-usb:2-1 Kingston DataTraveler  work (attached: read-only=yes, frontend-dev=xvdi)
" ''
	last 1 'qvm-block attach -o read-only=no work sys-usb:sdb' 'Error: This device can be attached only read-only'
	expect 0 'qvm-block assign --required vault sys-usb:sda1 && qvm-start vault && qvm-block list vault && qvm-block unassign vault' "\
sys-usb:sda1  Block_Storage: sub-device of sys-usb:sda DATA  vault (attached)
Unassigned. To detach you can now restart domain or run: 
 	qvm-block detach vault sys-usb:sda1
" ''
	expect 0 'qvm-block detach vault; qvm-kill vault; qvm-pci list --with-sbdf sys-net' \
		$'dom0:00_1c.0-00_00.0  0000:01:00.0  Network: Intel Corporation Ethernet Controller I225-V  sys-net (attached)\n' ''
	expect 0 'qvm-pci assign -r -o permissive=True vault dom0:00_1f.3 && qvm-start vault && qvm-pci list vault && qvm-pci unassign vault' "\
dom0:00_1f.3  Audio: Intel Corporation Alder Lake PCH-P High Definition Audio Controller  vault (attached: permissive=True)
Unassigned. To detach you can now restart domain or run: 
 	qvm-pci detach vault dom0:00_1f.3
" ''
	expect 0 'qvm-pci detach vault; qvm-pci list vault; qvm-device testclass' '' ''
	last 1 'qvm-device foo' "Error: Failed to list 'foo' devices, this device type either does not exist or you do not have access to it."
}

@test "against the daemon: what is required, what is denied" {
	start_daemon
	expect 0 'qvm-block assign -r vault sys-usb:sda --port' '' ''
	expect 0 'qvm-kill sys-usb' '' ''
	last 1 'qvm-start vault' 'Error: Starting qube failed: vault: Block device sys-usb:sda:* not available'
	expect 0 'qvm-start sys-usb && qvm-start vault && qvm-block list -s vault' "\
sys-usb:sda  Block_Storage: sub-device of sys-usb:2-1 Kingston DataTraveler  vault (attached)
sys-usb:sda  any device                                                      *vault (required)
" ''
	last 1 'qvm-block detach vault' 'Error: Can not detach a required device from a non halted qube. You need to unassign device first.'
	expect 0 "qvm-prefs vault devices_denied 'b******'" '' ''
	last 1 'qvm-block attach vault sys-usb:sdb' 'Error: Device exposes a banned interface: Block Device'
	expect 0 'qvm-block assign vault sys-usb:sdb --ro' "\
Warning: The assigned device is on the denied list.
           Auto-attach will work, but make sure that the assignment is correct.
Assigned. To attach you can now restart domain or run: 
	qvm-block attach -o read-only=yes vault sys-usb:sdb
" ''
	expect 0 'qvm-start personal --cdrom sys-usb:sdb && qvm-block list personal && qvm-block list -s personal | grep -c personal' "\
sys-usb:sdb  Block_Storage: sub-device of sys-usb:2-2 BACKUP  personal (attached: read-only=yes, frontend-dev=xvdd, devtype=cdrom)
1
" ''
}

@test "against the daemon: attach, assign, unassign, detach of each class" {
	cat >"$BATS_TEST_TMPDIR/f.yaml" <<-'END'
		base: default
		qubes:
		  - name: bench
		    class: StandaloneVM
		    state: Running
		    devices: [{class: testclass, port: t1, id: "t:1", name: Thing}]
	END
	start_daemon "$BATS_TEST_TMPDIR/f.yaml"
	qvm-start work
	local class device id text more
	# The last column: what a device that is attached, and not assigned, is shown with.
	while IFS='|' read -r class device id text more; do
		expect 0 "qvm-device $class assign work $device" "\
Assigned. To attach you can now restart domain or run: 
	qvm-$class attach work $device
" ''
		expect 1 "qvm-device $class assign work $device" '' "Error: $class device $device:$id already assigned to work"$'\n'
		expect 0 "qvm-device $class list -s work | sed 's/   */  /g'" "\
$device  $id  *work (auto-attach)
" ''
		expect 0 "qvm-device $class attach work $device" '' ''
		expect 1 "qvm-device $class attach work $device" '' \
			"Error: device $device:$id of class $class already attached to work"$'\n'
		expect 0 "qvm-device $class list work" "$device  $text  work (attached)"$'\n' ''
		expect 0 "qvm-device $class unassign work $device" $'Unassigned. To detach you can now restart domain or run: \n \tqvm-'"$class detach work $device"$'\n' ''
		expect 1 "qvm-device $class unassign work $device" '' "Error: $class device $device:$id not assigned to work"$'\n'
		expect 0 "qvm-device $class list work" "$device  $text  work (attached$more)"$'\n' ''
		expect 0 "qvm-device $class detach work $device" '' ''
		expect 1 "qvm-device $class detach work $device" '' "Error: $class device ${device#*:} not attached to work"$'\n'
		expect 0 "qvm-device $class list work; qvm-device $class list -s work" '' ''
	done <<-'END'
		block|sys-usb:sda1|0951:1666:60A44C413FAE:u080650:1.0:1|Block_Storage: sub-device of sys-usb:sda DATA|: read-only=no, frontend-dev=xvdi
		usb|sys-usb:2-3|046d:0825:7EB9:u0e0100u0e0200u010100|Camera: Logitech, Inc. Webcam C270|
		mic|dom0:mic|dom0:mic::m000000|Microphone: build-in Microphone|
		testclass|bench:t1|t:1|?******: unknown vendor Thing|
	END
	# PCI devices come with a start, and go with its end.
	local pci='Audio: Intel Corporation Alder Lake PCH-P High Definition Audio Controller'
	expect 1 'qvm-pci attach vault dom0:00_1f.3' '' \
		$'Error: PCI devices cannot be attached manually, did you mean `qvm-pci assign --required ...`\n'
	expect 1 'qvm-pci assign vault dom0:00_1f.3' '' $'Error: PCI devices cannot be assigned as not required.\n'
	expect 0 'qvm-pci assign --required vault dom0:00_1f.3 && qvm-pci list -s vault' "\
dom0:00_14.0          0x8086:0x51ed::p0c0330  *sys-usb (required: no-strict-reset=True)
dom0:00_1c.0-00_00.0  0x8086:0x15f3::p020000  *sys-net (required)
dom0:00_1f.3          0x8086:0x51c8::p040380  *vault (required)
" ''
	expect 0 'qvm-start vault && qvm-pci list vault' "dom0:00_1f.3  $pci  vault (attached)"$'\n' ''
	expect 1 'qvm-pci detach vault dom0:00_1f.3' '' \
		$'Error: Can not detach a required device from a non halted qube. You need to unassign device first.\n'
	expect 0 'qvm-pci unassign vault dom0:00_1f.3' $'Unassigned. To detach you can now restart domain or run: \n \tqvm-pci detach vault dom0:00_1f.3\n' ''
	expect 0 'qvm-pci detach vault dom0:00_1f.3 && qvm-pci list vault' '' ''
}
