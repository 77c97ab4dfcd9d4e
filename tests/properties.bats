#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Properties of qubes in the daemon, byte for byte: the calls of admin-api 2.5, the lists, rules and texts of
# chapter 4, and the events of 11.3.

load lib/common

setup() { start_daemon; }

# replies DEFAULT_METHOD <<TABLE: every line is "QUBE PROPERTY [PAYLOAD] => REPLY"; the reply without its
# first "2\0", type and traceback separators is written TYPE: TEXT, an OK reply is written OK [BODY].
replies() {
	local method=$1 line left want qube prop payload got bad=0
	while IFS= read -r line; do
		[[ -n $line && $line != '#'* ]] || continue
		left=${line%% =>*}
		want=${line#* => }
		read -r qube prop payload <<<"$left"
		case $want in
		OK) want='0\0' ;;
		'OK '*) want="0\\0${want#OK }" ;;
		*) want="2\\0${want%%: *}\\0\\0${want#*: }\\0" ;;
		esac
		got=$(raw "admin.vm.property.$method+$prop" "$qube" "$payload")
		if [[ $got != "$want" ]]; then
			printf 'call: %s %s\nwant: %s\ngot:  %s\n' "$method" "$left" "$want" "$got" >&2
			bad=1
		fi
	done
	return $bad
}

value() { raw "admin.vm.property.Get+$2" "$1"; }

# change CALL QUBE [PAYLOAD]: a successful call, and prints the events of it.
change() {
	local before
	before=$(events | wc -l)
	assert_equal "$(raw "$@")" '0\0'
	events | tail -n "+$((before + 1))"
}

@test "lists of every class, in their two groups" {
	local appvm='autostart backup_timestamp debug default_user devices_denied dns gateway gateway6 icon '
	appvm+='include_in_backups installed_by_rpm ip ip6 kernel keyboard_layout klass label mac maxmem memory '
	appvm+='name provides_network qid qrexec_timeout shutdown_timeout start_time stubdom_mem stubdom_uuid '
	appvm+='stubdom_xid template_for_dispvms updateable uuid vcpus virt_mode visible_gateway '
	appvm+='visible_gateway6 visible_ip visible_ip6 visible_netmask xid audiovm bootmode default_dispvm '
	appvm+='guivm kernelopts management_dispvm netvm template '
	local dom0='devices_denied icon include_in_backups keyboard_layout klass label maxmem name qid '
	dom0+='updateable uuid default_dispvm '
	local template=${appvm/template_for_dispvms /}
	template=${template/ audiovm/ appvm_default_bootmode audiovm}
	template=${template/ template / }
	local disp=${appvm/template_for_dispvms /}
	disp="auto_cleanup ${disp/ dns/ dispid dns}"
	disp=${disp/ kernel / is_preload kernel }
	start_44
	assert_equal "$(raw admin.vm.property.List work)" "0\\0${appvm// /\\n}"
	assert_equal "$(raw admin.vm.property.List dom0)" "0\\0${dom0// /\\n}"
	assert_equal "$(raw admin.vm.property.List fedora-42-xfce)" "0\\0${template// /\\n}"
	local name class one=
	while read -r name class; do
		one+=" $class"
		case $class in
		StandaloneVM) assert_equal "$(raw admin.vm.property.List "$name")" "0\\0$(sed 's/ template / /; s/ /\\n/g' <<<"$appvm")" ;;
		DispVM) assert_equal "$(raw admin.vm.property.List "$name")" "0\\0${disp// /\\n}" ;;
		RemoteVM) assert_equal "$(raw admin.vm.property.List "$name")" '0\0icon\ninclude_in_backups\nklass\nlabel\nname\nqid\nremote_name\ntransport_rpc\nuuid\nrelayvm\n' ;;
		esac
	done < <(raw admin.vm.List dom0 | sed 's/^0\\0//; s/\\n/\n/g' | sed -n 's/^\([^ ]*\) class=\([^ ]*\) .*/\1 \2/p')
	assert_regex "$one" DispVM
	assert_regex "$one" StandaloneVM
	assert_regex "$one" RemoteVM
}

@test "Get: values and defaults" {
	replies Get <<'TABLE'
work name => OK default=False type=str work
work qid => OK default=False type=int 9
work klass => OK default=True type=str AppVM
work label => OK default=False type=label blue
work icon => OK default=True type=str appvm-blue
work template => OK default=False type=vm fedora-42-xfce
work netvm => OK default=True type=vm sys-firewall
work ip => OK default=True type=str 10.137.0.9
work visible_ip => OK default=True type=str 10.137.0.9
work visible_gateway => OK default=True type=str 10.137.0.6
work visible_netmask => OK default=True type=str 255.255.255.255
work dns => OK default=True type=str 10.139.1.1 10.139.1.2
work gateway => OK default=True type=str 
work ip6 => OK default=True type=str 
work mac => OK default=True type=str 00:16:3e:5e:6c:00
work backup_timestamp => OK default=True type=int 
work stubdom_mem => OK default=True type=int 
work memory => OK default=True type=int 400
work vcpus => OK default=True type=int 2
work virt_mode => OK default=True type=str pvh
work kernel => OK default=True type=str 6.12.47-1.fc41
work kernelopts => OK default=True type=str swiotlb=2048
work default_user => OK default=True type=str user
work qrexec_timeout => OK default=True type=int 60
work default_dispvm => OK default=True type=vm default-dvm
work management_dispvm => OK default=True type=vm default-mgmt-dvm
work guivm => OK default=True type=vm dom0
work audiovm => OK default=True type=vm dom0
work bootmode => OK default=True type=str default
work keyboard_layout => OK default=True type=str us++
work updateable => OK default=True type=bool False
work xid => OK default=True type=int -1
work stubdom_xid => OK default=True type=int -1
work stubdom_uuid => OK default=True type=str 
work start_time => OK default=True type=str 
vault netvm => OK default=False type=vm 
vault ip => OK default=True type=str 
vault dns => OK default=True type=str 
vault visible_netmask => OK default=True type=str 
sys-net gateway => OK default=True type=str 10.137.0.5
sys-net maxmem => OK default=False type=int 0
sys-net icon => OK default=True type=str servicevm-red
sys-net autostart => OK default=False type=bool True
default-dvm icon => OK default=True type=str templatevm-red
fedora-42-xfce icon => OK default=True type=str templatevm-black
fedora-42-xfce updateable => OK default=True type=bool True
fedora-42-xfce appvm_default_bootmode => OK default=True type=str default
dom0 name => OK default=True type=str dom0
dom0 qid => OK default=True type=int 0
dom0 uuid => OK default=True type=str 00000000-0000-0000-0000-000000000000
dom0 icon => OK default=True type=str adminvm-black
dom0 label => OK default=False type=label black
dom0 klass => OK default=True type=str AdminVM
dom0 keyboard_layout => OK default=True type=str us++
dom0 updateable => OK default=True type=bool True
dom0 netvm => QubesNoSuchPropertyError: Invalid property 'netvm' of dom0
work nothing => QubesNoSuchPropertyError: Invalid property 'nothing' of work
work default_netvm => QubesNoSuchPropertyError: Invalid property 'default_netvm' of work
work => ProtocolError: expected an argument
TABLE
}

@test "GetDefault: value, no value, no default" {
	raw admin.vm.property.Set+memory work 700
	replies GetDefault <<'TABLE'
work memory => OK type=int 400
work netvm => OK type=vm sys-firewall
vault netvm => OK type=vm sys-firewall
fedora-42-xfce netvm => OK type=vm 
work backup_timestamp => OK type=int 
work klass => OK type=str AppVM
work label => OK
work name => OK
work qid => OK
work uuid => OK
work template => OK
dom0 qid => OK type=int 0
work nothing => QubesNoSuchPropertyError: Invalid property 'nothing' of work
TABLE
}

@test "GetAll: the lines of List and Get, with backslash and newline escaped" {
	local all prop want='0\0'
	raw admin.vm.property.Set+kernelopts work 'a\\b\nc' >/dev/null
	all=$(raw admin.vm.property.GetAll work)
	for prop in $(raw admin.vm.property.List work | sed 's/^0\\0//; s/\\n/ /g'); do
		if [[ $prop == kernelopts ]]; then
			want+='kernelopts default=False type=str a\\\\b\\nc\n'
			continue
		fi
		want+="$prop $(value work "$prop" | sed 's/^0\\0//')\\n"
	done
	assert_equal "$all" "$want"
	assert_equal "$(value work kernelopts)" '0\0default=False type=str a\\b\nc'
}

@test "Help and HelpRst: text for all, the same refusal" {
	local call prop holder
	for call in Help HelpRst; do
		for holder in work fedora-42-xfce dom0; do
			for prop in $(raw admin.vm.property.List $holder | sed 's/^0\\0//; s/\\n/ /g'); do
				assert_regex "$(raw "admin.vm.property.$call+$prop" $holder)" '^0\\0[A-Z][^\\]*\.$'
			done
		done
		replies $call <<<"work nothing => QubesNoSuchPropertyError: Invalid property 'nothing' of work"
	done
}

@test "Set: what a value becomes" {
	local qube prop payload want
	while read -r qube prop payload want; do
		assert_equal "$(raw "admin.vm.property.Set+$prop" "$qube" "$payload")" '0\0'
		assert_equal "$(value "$qube" "$prop")" "0\\0default=False type=$want"
	done <<'TABLE'
work memory +1_0 int 10
work memory \t007\n int 7
work maxmem 0 int 0
work vcpus 4 int 4
work qrexec_timeout 1 int 1
work shutdown_timeout 300 int 300
work stubdom_mem 128 int 128
work backup_timestamp -5 int -5
work debug YES bool True
work debug oFF bool False
work debug 1 bool True
work debug false bool False
work autostart on bool True
work include_in_backups no bool False
work installed_by_rpm True bool True
work label 3 label yellow
work label label-1 label red
work label green label green
work ip 192.168.1.1 str 192.168.1.1
work ip6 FD00:0:0:0:0:0:0:1 str fd00::1
work mac AA:bb:Cc:00:11:22 str aa:bb:cc:00:11:22
work virt_mode HVM str hvm
work default_user some_user-1+,. str some_user-1+,.
work kernel 6.6.77-1.fc37 str 6.6.77-1.fc37
work keyboard_layout de+nodeadkeys+grp:alt,ctrl_x str de+nodeadkeys+grp:alt,ctrl_x
work keyboard_layout us++ str us++
work devices_denied u03****b******u03**** str b******u03****
work devices_denied p0c0330 str p0c0330
work bootmode anything str anything
work guivm sys-net vm sys-net
work audiovm sys-usb vm sys-usb
work template debian-13-xfce vm debian-13-xfce
work default_dispvm default-mgmt-dvm vm default-mgmt-dvm
work management_dispvm default-dvm vm default-dvm
work netvm sys-net vm sys-net
dom0 keyboard_layout de++ str de++
dom0 default_dispvm default-mgmt-dvm vm default-mgmt-dvm
dom0 include_in_backups 0 bool False
dom0 label red label red
fedora-42-xfce appvm_default_bootmode x str x
TABLE
}

@test "Set: empty is a value" {
	replies Set <<'TABLE'
work kernel => OK
work kernelopts => OK
work default_user => OK
work devices_denied => OK
work netvm => OK
work guivm => OK
work audiovm => OK
work default_dispvm => OK
work management_dispvm => OK
work memory => QubesValueError: Failed to parse property value as int
work debug => QubesValueError: Invalid literal for boolean property: ''
work label => QubesLabelNotFoundError: Label does not exist: 
work ip => QubesValueError: Failed to parse property value as IPv4Address
work template => QubesPropertyValueError: Invalid value None for property 'template' of work
TABLE
	replies Get <<'TABLE'
work kernel => OK default=False type=str 
work kernelopts => OK default=False type=str 
work netvm => OK default=False type=vm 
work guivm => OK default=False type=vm 
TABLE
	# No guivm, no kernel: what depends on them.
	replies GetDefault <<'TABLE'
work kernelopts => OK type=str 
work keyboard_layout => OK type=str us++
TABLE
}

@test "Set: refusals of values" {
	local long letters
	long=$(printf 'x%.0s' {1..513})
	letters=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789
	replies Set <<TABLE
work nothing 1 => QubesNoSuchPropertyError: Invalid property 'nothing' of work
work memory 1\\xff => QubesValueError: Non-ASCII bytes in property value
work netvm \\xff => QubesValueError: 
work kernelopts a\\x0bb => QubesValueError: Invalid characters in property value
work kernelopts a\\x0cb => QubesValueError: Invalid characters in property value
work kernelopts a\\x7fb => QubesValueError: Invalid characters in property value
work kernelopts a\\0b => QubesValueError: Invalid characters in property value
work kernelopts $long => QubesPropertyValueError: Kernelopts value too long (512 chars max)
work kernelopts ${long%x} => OK
work memory ten => QubesValueError: Failed to parse property value as int
work memory 1__0 => QubesValueError: Failed to parse property value as int
work memory _1 => QubesValueError: Failed to parse property value as int
work memory 1_ => QubesValueError: Failed to parse property value as int
work memory +-1 => QubesValueError: Failed to parse property value as int
work memory 1\\0 => QubesValueError: Failed to parse property value as int
work memory 99999999999999999999 => QubesValueError: Failed to parse property value as int
work memory 0 => QubesPropertyValueError: memory must be positive
work memory -1 => QubesPropertyValueError: memory must be positive
work vcpus 0 => QubesPropertyValueError: vcpus must be positive
work qrexec_timeout 0 => QubesPropertyValueError: qrexec_timeout must be positive
work shutdown_timeout -3 => QubesPropertyValueError: shutdown_timeout must be positive
work stubdom_mem 0 => QubesPropertyValueError: stubdom_mem must be positive
work maxmem -1 => QubesPropertyValueError: maxmem must be positive or zero
work debug maybe => QubesValueError: Invalid literal for boolean property: 'maybe'
work debug tru'e => QubesValueError: Invalid literal for boolean property: "tru'e"
work label pink => QubesLabelNotFoundError: Label does not exist: pink
work label 99 => QubesLabelNotFoundError: Label does not exist: 99
work label label-99 => QubesLabelNotFoundError: Label does not exist: 99
work label label-x => QubesLabelNotFoundError: Label does not exist: x
work guivm nobody => QubesPropertyValueError: Can't set guivm to non-existing qube nobody
work guivm none => QubesValueError: VM name cannot be 'none' nor 'default'
work guivm default => QubesValueError: VM name cannot be 'none' nor 'default'
work guivm a/b => QubesValueError: VM name contains illegal characters
work guivm 1a => QubesValueError: VM name cannot start with hyphen, underscore, dot or numbers
work guivm x-dm => QubesValueError: VM name cannot end with -dm
work guivm Domain-0 => QubesValueError: VM name cannot be 'Domain-0'
work guivm abcdefghijklmnopqrstuvwxyzabcdef => QubesValueError: VM name must be shorter than 32 characters
work template vault => QubesPropertyValueError: wrong VM class: domains['vault'] is of type AppVM and not TemplateVM
work default_dispvm vault => QubesPropertyValueError: Cannot set invalid property to qube 'work', default_dispvm 'vault' has template_for_dispvms set to False
work default_dispvm fedora-42-xfce => QubesPropertyValueError: Cannot set invalid property to qube 'work', default_dispvm 'fedora-42-xfce' has template_for_dispvms set to False
work management_dispvm vault => QubesPropertyValueError: Cannot set invalid property to qube 'work', management_dispvm 'vault' has template_for_dispvms set to False
work default_user a b => QubesPropertyValueError: Username can contain only those characters: ${letters}_-+,.
work devices_denied u03 => QubesPropertyValueError: Interface code list should be in the form chhhhhhchhhhhh...,where c is one of "b", "u", "m", "p", "*" and h is a hexdigit or "*".
work devices_denied x****** => QubesPropertyValueError: Interface code list should be in the form chhhhhhchhhhhh...,where c is one of "b", "u", "m", "p", "*" and h is a hexdigit or "*".
work devices_denied u03**0G => QubesPropertyValueError: Interface code list should be in the form chhhhhhchhhhhh...,where c is one of "b", "u", "m", "p", "*" and h is a hexdigit or "*".
work ip 10.0.0 => QubesValueError: Failed to parse property value as IPv4Address
work ip6 10.0.0.1 => QubesValueError: Failed to parse property value as IPv6Address
work uuid x => QubesValueError: Failed to parse property value as UUID
work kernel a/b => QubesPropertyValueError: Kernel name cannot contain '/'
work kernel 5.0 => QubesPropertyValueError: Kernel '5.0' not installed
work keyboard_layout us => QubesPropertyValueError: invalid number of keyboard layout parameters
work keyboard_layout us+a+b+c => QubesPropertyValueError: invalid number of keyboard layout parameters
work keyboard_layout ++ => QubesPropertyValueError: Invalid keyboard layout provided
work keyboard_layout u1++ => QubesPropertyValueError: Invalid keyboard layout provided
work keyboard_layout us+a:b+ => QubesPropertyValueError: Invalid layout variant provided
work keyboard_layout us++a.b => QubesPropertyValueError: Invalid layout options provided
work mac 00:16:3e:5e:6c => QubesValueError: Invalid MAC address value
work mac 00:16:3e:5e:6c:0g => QubesValueError: Invalid MAC address value
work mac 00-16-3e-5e-6c-00 => QubesValueError: Invalid MAC address value
work virt_mode xen => QubesPropertyValueError: Invalid virtualization mode, supported values: hvm, pv, pvh
work netvm vault => QubesValueError: The vault qube does not provide network
work netvm dom0 => QubesValueError: The dom0 qube does not provide network
sys-net netvm sys-firewall => QubesValueError: Loops in network are unsupported
sys-net netvm sys-net => QubesValueError: Loops in network are unsupported
sys-net provides_network no => QubesValueError: The qube is still used by other qubes, change theirs 'netvm' first
default-dvm template_for_dispvms no => QubesVMInUseError: Cannot change template_for_dispvms to False while it is in use by the system by any of these properties: default_dispvm, management_dispvm
sys-net template debian-13-xfce => QubesVMNotHaltedError: Cannot change template while qube is running
work name other => QubesPropertyValueError: property 'name' is write-once and already set
work qid 5 => QubesPropertyValueError: property 'qid' is write-once and already set
work uuid 00000000-0000-0000-0000-000000000001 => QubesPropertyValueError: property 'uuid' is write-once and already set
work icon x => QubesPropertyValueError: property 'icon' on AppVM instance cannot be set
work xid 5 => QubesPropertyValueError: property 'xid' on AppVM instance cannot be set
fedora-42-xfce updateable no => QubesPropertyValueError: property 'updateable' on TemplateVM instance cannot be set
dom0 name x => QubesPropertyValueError: property 'name' on AdminVM instance cannot be set
dom0 qid 1 => QubesPropertyValueError: property 'qid' on AdminVM instance cannot be set
dom0 maxmem 500 => QubesPropertyValueError: property 'maxmem' on AdminVM instance cannot be set
dom0 memory 500 => QubesNoSuchPropertyError: Invalid property 'memory' of dom0
TABLE
}

@test "Reset: back to the default, refused for some" {
	raw admin.vm.property.Set+memory work 700 >/dev/null
	raw admin.vm.property.Set+netvm work >/dev/null
	replies Reset <<'TABLE'
work memory => OK
work memory => OK
work netvm => OK
work icon => OK
dom0 maxmem => OK
dom0 name => OK
work name => QubesPropertyValueError: property 'name' is write-once and already set
work uuid => QubesPropertyValueError: property 'uuid' is write-once and already set
work template => QubesValueError: Cannot unset template. You can set it to the current default (fedora-42-xfce) instead
work label => QubesValueError: Cannot unset label
work nothing => QubesNoSuchPropertyError: Invalid property 'nothing' of work
sys-net provides_network => QubesValueError: The qube is still used by other qubes, change theirs 'netvm' first
sys-firewall netvm => QubesValueError: Loops in network are unsupported
default-dvm template_for_dispvms => QubesVMInUseError: Cannot change template_for_dispvms to False while it is in use by the system by any of these properties: default_dispvm, management_dispvm
TABLE
	assert_equal "$(value work memory)" '0\0default=True type=int 400'
	assert_equal "$(value work netvm)" '0\0default=True type=vm sys-firewall'
	raw admin.property.Set+default_template dom0 >/dev/null
	replies Reset <<<'work template => QubesValueError: Cannot unset template'
}

@test "template_for_dispvms: kept while a qube names it" {
	raw admin.vm.property.Set+template_for_dispvms work yes >/dev/null
	raw admin.vm.property.Set+default_dispvm vault work >/dev/null
	local text='Cannot change template_for_dispvms to False while it is the disposable template of a qube by any of these properties: default_dispvm, management_dispvm, template'
	replies Set <<<"work template_for_dispvms no => QubesVMInUseError: $text"
	replies Reset <<<"work template_for_dispvms => QubesVMInUseError: $text"
	raw admin.vm.property.Reset+default_dispvm vault >/dev/null
	replies Set <<<"work template_for_dispvms no => OK"
}

@test "inherited from the template" {
	raw admin.vm.property.Set+memory fedora-42-xfce 600 >/dev/null
	raw admin.vm.property.Set+default_user fedora-42-xfce joe >/dev/null
	raw admin.vm.property.Set+kernelopts fedora-42-xfce quiet >/dev/null
	raw admin.vm.property.Set+virt_mode fedora-42-xfce hvm >/dev/null
	raw admin.vm.property.Set+management_dispvm fedora-42-xfce >/dev/null
	raw admin.vm.property.Set+kernel fedora-42-xfce 6.6.77-1.fc37 >/dev/null
	raw admin.vm.property.Set+maxmem fedora-42-xfce 1000 >/dev/null
	replies Get <<'TABLE'
work memory => OK default=True type=int 600
work default_user => OK default=True type=str joe
work kernelopts => OK default=True type=str quiet
work virt_mode => OK default=True type=str hvm
work management_dispvm => OK default=True type=vm 
work kernel => OK default=True type=str 6.6.77-1.fc37
work maxmem => OK default=True type=int 1000
TABLE
}

@test "maxmem: without balancing it is 0" {
	raw admin.vm.property.Set+virt_mode work hvm >/dev/null
	assert_equal "$(value work maxmem)" '0\0default=True type=int 4000'
	raw admin.vm.feature.Set+qrexec work >/dev/null
	assert_equal "$(value work maxmem)" '0\0default=True type=int 0'
	raw admin.vm.feature.Remove+qrexec work >/dev/null
	raw admin.vm.feature.Set+supported-service.meminfo-writer work >/dev/null
	assert_equal "$(value work maxmem)" '0\0default=True type=int 0'
}

@test "maxmem of a running qube wants memory hotplug" {
	local no="QubesVMNotHaltedError: Domain is not powered off: 'sys-net'"
	replies Set <<TABLE
sys-net maxmem 500 => $no
sys-net maxmem 0 => OK
sys-firewall maxmem 700 => OK
TABLE
	raw admin.vm.feature.Set+memory-hotplug sys-net 1 >/dev/null
	replies Set <<<'sys-net maxmem 500 => OK'
	raw admin.vm.feature.Set+memory-hotplug sys-firewall >/dev/null
	replies Set <<<"sys-firewall maxmem 800 => ${no/sys-net/sys-firewall}"
}

@test "features behind computed properties" {
	local feature
	for feature in net.fake-ip=1.2.3.4 net.fake-gateway=1.2.3.1 net.fake-netmask=255.255.255.0 ipv6=1 \
		boot-mode.active=a servicevm=1; do
		raw "admin.vm.feature.Set+${feature%%=*}" work "${feature#*=}" >/dev/null
	done
	replies Get <<'TABLE'
work visible_ip => OK default=True type=str 1.2.3.4
work visible_gateway => OK default=True type=str 1.2.3.1
work visible_netmask => OK default=True type=str 255.255.255.0
work ip => OK default=True type=str 10.137.0.9
work ip6 => OK default=True type=str fd09:24ef:4179::a89:9
work icon => OK default=True type=str servicevm-blue
work bootmode => OK default=True type=str default
TABLE
	raw admin.vm.feature.Set+boot-mode.kernelopts.a fedora-42-xfce x >/dev/null
	replies Get <<<'work bootmode => OK default=True type=str a'
	raw admin.vm.feature.Remove+boot-mode.active work >/dev/null
	raw admin.vm.property.Set+appvm_default_bootmode fedora-42-xfce a >/dev/null
	replies Get <<<'work bootmode => OK default=True type=str a'
	raw admin.vm.feature.Set+ipv6 sys-net 1 >/dev/null
	replies Get <<'TABLE'
vault ip6 => OK default=True type=str 
personal ip6 => OK default=True type=str fd09:24ef:4179::a89:8
personal visible_gateway6 => OK default=True type=str fd09:24ef:4179::a89:6
TABLE
}

@test "keyboard layout comes from the guivm" {
	raw admin.vm.property.Set+guivm work sys-usb >/dev/null
	raw admin.vm.property.Set+keyboard_layout sys-usb de++ >/dev/null
	assert_equal "$(value work keyboard_layout)" '0\0default=True type=str de++'
	# A ring has no end, but an answer.
	raw admin.vm.property.Reset+keyboard_layout sys-usb >/dev/null
	raw admin.vm.property.Set+guivm sys-usb work >/dev/null
	assert_equal "$(value work keyboard_layout)" '0\0default=True type=str us++'
}

# The daemon with the 44 qubes, in a directory of its own.
start_44() {
	stop_daemon
	mkdir "$BATS_TEST_TMPDIR/44"
	QVMD_STATE=$BATS_TEST_TMPDIR/44/state start_daemon 44
}

@test "disposables and remote qubes" {
	local disp id dvm
	start_44
	disp=$(raw admin.vm.List dom0 | sed 's/\\n/\n/g' | sed -n 's/^\([^ ]*\) class=DispVM .*/\1/p' | head -n 1)
	id=$(value "$disp" dispid)
	id=${id##* }
	dvm=$(value "$disp" template)
	dvm=${dvm##* }
	replies Get <<TABLE
$disp dispid => OK default=False type=int $id
$disp auto_cleanup => OK default=False type=bool True
$disp include_in_backups => OK default=True type=bool False
$disp is_preload => OK default=True type=bool False
$disp default_dispvm => OK default=True type=vm $dvm
$disp updateable => OK default=True type=bool False
office klass => OK default=True type=str RemoteVM
office icon => OK default=True type=str remotevm-blue
office include_in_backups => OK default=True type=bool False
office relayvm => OK default=False type=vm sys-vpn
office remote_name => OK default=False type=str desk
office netvm => QubesNoSuchPropertyError: Invalid property 'netvm' of office
TABLE
	replies GetDefault <<TABLE
$disp dispid => OK
office relayvm => OK type=vm 
office remote_name => OK type=str 
TABLE
	replies Set <<TABLE
$disp dispid 1 => QubesPropertyValueError: property 'dispid' is write-once and already set
$disp is_preload 1 => QubesPropertyValueError: property 'is_preload' on DispVM instance cannot be set
$disp template work => QubesPropertyValueError: template for disposable must have template_for_dispvms=True
$disp template default-dvm => QubesVMNotHaltedError: Cannot change template while qube is running
$dvm template_for_dispvms 0 => QubesVMInUseError: Cannot change template_for_dispvms to False while it is in use by the system by any of these properties: default_dispvm, management_dispvm
TABLE
	replies Reset <<<"$disp template => QubesValueError: Cannot unset template. You can set it to the current default (default-dvm) instead"
	raw "admin.vm.feature.Set+ipv6" "$disp" 1 >/dev/null
	((id < 255)) || assert_equal "$(value "$disp" ip)" \
		"0\\0default=True type=str 10.138.$(((id - 1) / 254)).$(((id - 1) % 254 + 1))"
	assert_equal "$(value "$disp" ip6)" "$(printf '0\\0default=True type=str fd09:24ef:4179::a8a:%x' "$id")"

	events_start
	assert_equal "$(change admin.vm.property.Set+relayvm office sys-net)" \
		'office property-pre-set:relayvm name=relayvm newvalue=sys-net oldvalue=sys-vpn
office domain-tag-delete:relayvm-sys-vpn tag=relayvm-sys-vpn
office domain-tag-add:relayvm-sys-net tag=relayvm-sys-net
office property-set:relayvm name=relayvm newvalue=sys-net oldvalue=sys-vpn'
}

@test "changes outlive the daemon" {
	raw admin.vm.property.Set+memory work 700 >/dev/null
	raw admin.vm.property.Set+netvm work >/dev/null
	kill_daemon
	start_daemon
	assert_equal "$(value work memory)" '0\0default=False type=int 700'
	assert_equal "$(value work netvm)" '0\0default=False type=vm '
}

@test "events: set and reset" {
	events_start
	assert_equal "$(change admin.vm.property.Set+vcpus work 3)" \
		'work property-pre-set:vcpus name=vcpus newvalue=3 oldvalue=2
work property-set:vcpus name=vcpus newvalue=3 oldvalue=2'
	assert_equal "$(change admin.vm.property.Set+backup_timestamp work 3)" \
		'work property-pre-set:backup_timestamp name=backup_timestamp newvalue=3 oldvalue=None
work property-set:backup_timestamp name=backup_timestamp newvalue=3 oldvalue=None'
	assert_equal "$(change admin.vm.property.Set+memory work 700)" \
		'work property-pre-set:memory name=memory newvalue=700 oldvalue=400
work property-set:memory name=memory newvalue=700 oldvalue=400'
	assert_equal "$(change admin.vm.property.Reset+memory work)" \
		'work property-pre-reset:memory name=memory oldvalue=700
work property-pre-del:memory name=memory oldvalue=700
work property-reset:memory name=memory oldvalue=700
work property-del:memory name=memory oldvalue=700'
	assert_equal "$(change admin.vm.property.Reset+icon work)" \
		'work property-pre-reset:icon name=icon oldvalue=appvm-blue
work property-pre-del:icon name=icon oldvalue=appvm-blue
work property-reset:icon name=icon oldvalue=appvm-blue
work property-del:icon name=icon oldvalue=appvm-blue'
	assert_equal "$(change admin.vm.property.Set+label work red)" \
		'work property-pre-set:label name=label newvalue=red oldvalue=blue
work property-reset:icon name=icon
work property-set:label name=label newvalue=red oldvalue=blue'
	assert_equal "$(change admin.vm.property.Set+ip work 10.1.1.1)" \
		'work property-pre-set:ip name=ip newvalue=10.1.1.1 oldvalue=10.137.0.9
work property-reset:visible_ip name=visible_ip
work property-set:ip name=ip newvalue=10.1.1.1 oldvalue=10.137.0.9'
}

@test "events: a refusal of the value sends none, one of the state the pre event" {
	events_start
	raw admin.vm.property.Set+memory work x
	raw admin.vm.property.Set+name work x
	raw admin.vm.property.Reset+name work
	assert_equal "$(events)" ''
	raw admin.vm.property.Set+kernel work 5.0
	assert_equal "$(events)" 'work property-pre-set:kernel name=kernel newvalue=5.0 oldvalue=6.12.47-1.fc41'
	assert_equal "$(value work kernel)" '0\0default=True type=str 6.12.47-1.fc41'
}

@test "events: provides_network" {
	events_start
	assert_equal "$(change admin.vm.property.Set+provides_network work 1)" \
		'work property-pre-set:provides_network name=provides_network newvalue=True oldvalue=False
work domain-feature-pre-set:servicevm feature=servicevm value=1
work domain-feature-set:servicevm feature=servicevm value=1
work property-reset:icon name=icon
work property-reset:gateway name=gateway
work property-reset:gateway6 name=gateway6
work property-set:provides_network name=provides_network newvalue=True oldvalue=False'
	assert_equal "$(change admin.vm.property.Reset+provides_network work)" \
		'work property-pre-reset:provides_network name=provides_network oldvalue=True
work property-pre-del:provides_network name=provides_network oldvalue=True
work domain-feature-pre-delete:servicevm feature=servicevm
work domain-feature-delete:servicevm feature=servicevm
work property-reset:icon name=icon
work property-reset:gateway name=gateway
work property-reset:gateway6 name=gateway6
work property-reset:provides_network name=provides_network oldvalue=True
work property-del:provides_network name=provides_network oldvalue=True'
}

@test "events: netvm of a halted qube" {
	events_start
	assert_equal "$(change admin.vm.property.Set+netvm work)" \
		'work property-pre-set:netvm name=netvm newvalue=None oldvalue=sys-firewall
work property-set:netvm name=netvm newvalue=None oldvalue=sys-firewall'
	assert_equal "$(change admin.vm.property.Reset+netvm work)" \
		'work property-pre-reset:netvm name=netvm oldvalue=None
work property-pre-set:netvm name=netvm newvalue=sys-firewall oldvalue=None
work property-pre-del:netvm name=netvm oldvalue=None
work property-set:netvm name=netvm newvalue=sys-firewall oldvalue=None
work property-reset:netvm name=netvm oldvalue=None
work property-del:netvm name=netvm oldvalue=None'
	assert_equal "$(change admin.vm.property.Reset+netvm work)" \
		'work property-pre-reset:netvm name=netvm oldvalue=sys-firewall
work property-pre-del:netvm name=netvm oldvalue=sys-firewall
work property-reset:netvm name=netvm oldvalue=sys-firewall
work property-del:netvm name=netvm oldvalue=sys-firewall'
}

@test "events: netvm of a running qube" {
	events_start
	assert_equal "$(change admin.vm.property.Set+netvm sys-usb sys-net)" \
		'sys-usb property-pre-set:netvm name=netvm newvalue=sys-net oldvalue=None
sys-usb domain-qdb-create
sys-net net-domain-connect vm=sys-usb
sys-usb property-set:netvm name=netvm newvalue=sys-net oldvalue=None
sys-usb device-list-change:block
sys-usb domain-qdb-change:/qubes-block-devices path=/qubes-block-devices'
	assert_equal "$(change admin.vm.property.Set+netvm sys-usb)" \
		'sys-usb property-pre-set:netvm name=netvm newvalue=None oldvalue=sys-net
sys-usb property-set:netvm name=netvm newvalue=None oldvalue=sys-net'
	raw admin.vm.property.Set+provides_network work 1
	raw admin.vm.property.Set+netvm work
	assert_equal "$(raw admin.vm.property.Set+netvm sys-usb work)" \
		'2\0QubesVMNotStartedError\0\0Cannot dynamically attach to stopped qube work\0'
}

@test "events: a template tells its qubes" {
	local all='default-dvm default-mgmt-dvm personal sys-firewall sys-net sys-usb untrusted vault'
	local qube want='fedora-42-xfce property-pre-set:vcpus name=vcpus newvalue=1 oldvalue=2'
	raw admin.vm.property.Set+vcpus work 4
	events_start
	for qube in $all; do
		want+=$'\n'"$qube property-reset:vcpus name=vcpus"
	done
	want+=$'\nfedora-42-xfce property-set:vcpus name=vcpus newvalue=1 oldvalue=2'
	assert_equal "$(change admin.vm.property.Set+vcpus fedora-42-xfce 1)" "$want"
	assert_equal "$(change admin.vm.property.Set+appvm_default_bootmode debian-13-xfce x)" \
		'debian-13-xfce property-pre-set:appvm_default_bootmode name=appvm_default_bootmode newvalue=x oldvalue=default
debian-13-xfce property-set:appvm_default_bootmode name=appvm_default_bootmode newvalue=x oldvalue=default'
}

@test "events: tags follow guivm and audiovm" {
	events_start
	assert_equal "$(change admin.vm.property.Set+guivm work sys-usb)" \
		'work property-pre-set:guivm name=guivm newvalue=sys-usb oldvalue=dom0
work domain-tag-delete:guivm-dom0 tag=guivm-dom0
work domain-tag-add:guivm-sys-usb tag=guivm-sys-usb
work property-set:guivm name=guivm newvalue=sys-usb oldvalue=dom0'
	assert_equal "$(change admin.vm.property.Set+audiovm work)" \
		'work property-pre-set:audiovm name=audiovm newvalue=None oldvalue=dom0
work domain-tag-delete:audiovm-dom0 tag=audiovm-dom0
work property-set:audiovm name=audiovm newvalue=None oldvalue=dom0'
	assert_equal "$(change admin.vm.property.Reset+guivm work)" \
		'work property-pre-reset:guivm name=guivm oldvalue=sys-usb
work property-pre-del:guivm name=guivm oldvalue=sys-usb
work domain-tag-delete:guivm-sys-usb tag=guivm-sys-usb
work domain-tag-add:guivm-dom0 tag=guivm-dom0
work property-reset:guivm name=guivm oldvalue=sys-usb
work property-del:guivm name=guivm oldvalue=sys-usb'
}
