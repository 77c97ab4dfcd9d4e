# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-prefs and qubes-prefs (tools-config 3 and 4).

load lib/common

NOPROP='2\0QubesNoSuchPropertyError\0\0Invalid property of work\0'

# The fixture of appendix A and the lines on stdin behind it.
@test "a list: markers, padding, empty text, None and no value" {
	start_appendix_a </dev/null
	expect 0 'qvm-prefs work | grep -E "^(debug|default_dispvm|include_in|kernelopts|netvm|stubdom|xid)"' \
'debug               -  True
default_dispvm      D  None
include_in_backups  D  True
kernelopts          D  
netvm               D  sys-firewall
stubdom_xid         U
xid                 D  -1
' ''
	assert_equal "$(calls | sort)" 'work admin.vm.property.GetAll+
work admin.vm.property.List+'
	expect 0 'qvm-prefs --hide-default work' \
'debug               -  True
label               -  blue
name                -  work
qid                 -  5
stubdom_xid         U
' ''
	expect 0 'qvm-prefs -l work | wc -l' $'25\n' ''
	expect 0 'qvm-prefs --list -D -g -s work | wc -l' $'25\n' ''
}

@test "a list when the server answers oddly" {
	start_script <<'EOF'
> admin.vm.property.List+ a
< 0\0zz\nb-c\nkernelopts\n
> admin.vm.property.GetAll+ a
< 0\0kernelopts default=False type=str a\\nb\\\\c\nzz default=True type=bool yes\n
> admin.vm.property.List+ empty
< 0\0
> admin.vm.property.GetAll+ empty
< 0\0
> admin.vm.property.List+ shut
< 0\0label\nmemory\nxid\n
> admin.vm.property.GetAll+ shut
< close
> admin.vm.property.Get+label shut
< 0\0default=False type=label red
> admin.vm.property.Get+memory shut
< 0\0default=True type=int 400
> admin.vm.property.Get+xid shut
< close
> admin.vm.property.List+ odd
< 0\0a\n
> admin.vm.property.GetAll+ odd
< 0\0a default=True type=float 1\n
> admin.vm.List+ dom0
< 0\0odd class=AppVM state=Halted\nref class=AppVM state=Halted\n
> admin.vm.property.List+ ref
< close
> admin.vm.property.GetAll+ ref
< close
EOF
	# Not in GetAll: no value. A line break is printed as it is, a bool is true by the word True only.
	expect 0 'qvm-prefs a' $'b-c         U\nkernelopts  -  a\nb\\c\nzz          D  False\n' ''
	expect 0 'qvm-prefs empty' '' ''
	# GetAll refused: one Get for each, and what is refused again has no value.
	expect 0 'qvm-prefs shut' $'label   -  red\nmemory  D  400\nxid     U\n' ''
	expect 1 'qvm-prefs odd' '' $'qvm-prefs: error: Received invalid value type: float\n'
	expect 1 'qvm-prefs ref' '' \
		$'qvm-prefs: error: Got empty response from qubesd. See journalctl in dom0 for details.\n'
}

@test "one property" {
	start_appendix_a <<'EOF'
> admin.vm.property.Get+dns work
< 0\0default=True type=str 10.139.1.1 10.139.1.2
> admin.vm.property.Get+two work
< 0\0default=True type=str a\nb
> admin.vm.property.Get+list work
< 0\0default=True type=list a
EOF
	expect 0 'qvm-prefs work netvm' $'sys-firewall\n' ''
	expect 0 'qvm-prefs -g work netvm' $'sys-firewall\n' ''
	expect 0 'qvm-prefs work --get netvm' $'sys-firewall\n' ''
	expect 0 'qvm-prefs work debug' $'True\n' ''
	expect 0 'qvm-prefs work xid' $'-1\n' ''
	expect 0 'qvm-prefs work dns' $'10.139.1.1 10.139.1.2\n' ''
	expect 0 'qvm-prefs work two' $'a\nb\n' ''
	expect 0 'qvm-prefs work klass' $'AppVM\n' ''
	# None says nothing, an empty text is an empty line, no value is a failure.
	expect 0 'qvm-prefs work default_dispvm' '' ''
	expect 0 'qvm-prefs work kernelopts' $'\n' ''
	expect 1 'qvm-prefs work stubdom_xid' '' ''
	# The hyphen of old scripts.
	expect 0 'qvm-prefs work include-in-backups' $'True\n' ''
	expect 0 'qvm-prefs --hide-default work netvm' '' ''
	expect 0 'qvm-prefs --hide-default work label' $'blue\n' ''
	calls_clear
	qvm-prefs work netvm
	assert_equal "$(calls)" 'work admin.vm.property.Get+netvm'
}

@test "what is sent" {
	start_script <<'EOF'
> admin.vm.property.Set+netvm work *
< 0\0
> admin.vm.property.Set+xid work *
< 0\0
> admin.vm.property.Set+kernelopts work *
< 0\0
> admin.vm.property.Set+kernel work *
< 0\0
> admin.vm.property.Set+default_dispvm work *
< 0\0
> admin.vm.property.Set+template work *
< 0\0
> admin.vm.property.Set+guivm work *
< 0\0
> admin.vm.property.Set+audiovm work *
< 0\0
> admin.vm.property.Set+management_dispvm work *
< 0\0
> admin.vm.property.Reset+netvm work
< 0\0
> admin.vm.property.Reset+default_user work
< 0\0
EOF
	expect 0 'qvm-prefs work netvm none
		qvm-prefs work -s netvm sys-net
		qvm-prefs --set work netvm NONE
		qvm-prefs work netvm ""
		qvm-prefs work xid -1
		qvm-prefs work kernelopts "-foo bar"
		qvm-prefs work kernelopts -- -foo
		qvm-prefs work kernelopts ""
		qvm-prefs work kernel none
		qvm-prefs work default-dispvm None
		qvm-prefs work template none
		qvm-prefs work guivm none
		qvm-prefs work audiovm none
		qvm-prefs work management_dispvm none
		qvm-prefs work netvm -D
		qvm-prefs --default work default-user
		qvm-prefs -D work netvm x' '' ''
	assert_equal "$(calls)" 'work admin.vm.property.Set+netvm
work admin.vm.property.Set+netvm <- sys-net
work admin.vm.property.Set+netvm
work admin.vm.property.Set+netvm
work admin.vm.property.Set+xid <- -1
work admin.vm.property.Set+kernelopts <- -foo bar
work admin.vm.property.Set+kernelopts <- -foo
work admin.vm.property.Set+kernelopts
work admin.vm.property.Set+kernel <- none
work admin.vm.property.Set+default_dispvm
work admin.vm.property.Set+template
work admin.vm.property.Set+guivm
work admin.vm.property.Set+audiovm
work admin.vm.property.Set+management_dispvm
work admin.vm.property.Reset+netvm
work admin.vm.property.Reset+default_user
work admin.vm.property.Set+netvm <- x'
}

@test "errors" {
	start_script <<EOF
> admin.vm.List+ dom0
< 0\0work class=AppVM state=Halted\n
> admin.vm.property.Get+no_such work
< $NOPROP
> admin.vm.property.Set+no_such work x
< $NOPROP
> admin.vm.property.Reset+no_such work
< $NOPROP
> admin.vm.property.Get+a work
< close
> admin.vm.property.Set+netvm work ghost
< 2\0QubesVMNotFoundError\0\0No such domain: 'ghost'\0
> admin.vm.property.Get+netvm ghost
< 2\0QubesVMNotFoundError\0\0No such domain: 'ghost'\0
> admin.vm.property.List+ ghost
< 2\0QubesVMNotFoundError\0\0No such domain: 'ghost'\0
> admin.vm.property.GetAll+ ghost
< 2\0QubesVMNotFoundError\0\0No such domain: 'ghost'\0
> admin.vm.property.Set+memory work abc
< 2\0QubesValueError\0\0Failed to parse property value as int\0
> admin.vm.property.Set+memory work 1
< 2\0QubesValueError\0\0100% full\0
> admin.vm.property.Set+memory work 2
< 2\0PermissionDenied\0\0no\0
> admin.vm.property.Set+name work x
< close
> admin.vm.property.Get+features work
< $NOPROP
EOF
	fails 2 'qvm-prefs work no-such' "qvm-prefs: error: no such property: 'no_such'"
	fails 2 'qvm-prefs work no-such x' "qvm-prefs: error: no such property: 'no_such'"
	fails 2 'qvm-prefs -D work no-such' "qvm-prefs: error: no such property: 'no_such'"
	fails 2 'qvm-prefs work features' "qvm-prefs: error: no such property: 'features'"
	fails 2 'qvm-prefs work _x' "qvm-prefs: error: no such property: '_x'"
	fails 1 'qvm-prefs work a' "qvm-prefs: error: Failed to access 'a' property"
	fails 1 'qvm-prefs work netvm ghost' "qvm-prefs: error: Failed to access 'netvm' property"
	fails 2 'qvm-prefs ghost netvm' "qvm-prefs: error: no such domain: 'ghost'"
	fails 2 'qvm-prefs ghost' "qvm-prefs: error: no such domain: 'ghost'"
	fails 1 'qvm-prefs work memory abc' 'qvm-prefs: error: Failed to parse property value as int'
	fails 1 'qvm-prefs work memory 1' 'qvm-prefs: error: 100% full'
	fails 1 'qvm-prefs work memory 2' 'qvm-prefs: error: no'
	# The old way to rename; for this one property the text is the bare one.
	fails 1 'qvm-prefs work name x' \
		'qvm-prefs: error: Got empty response from qubesd. See journalctl in dom0 for details.'
	fails 2 'qvm-prefs' 'qvm-prefs: error: the following arguments are required: VMNAME'
	fails 2 'qvm-prefs --unset work a' 'qvm-prefs: error: unrecognized arguments: --unset'
	fails 2 'qvm-prefs x*' "qvm-prefs: error: no such domain: 'x*'"
	fails 1 'qvm-prefs work "a b"' "qvm-prefs: error: invalid character in 'a b'"
}

@test "--help-properties" {
	start_appendix_a <<'EOF'
> admin.vm.property.List+ h
< 0\0b\nlonger_name\na\n
> admin.vm.property.Help+a h
< 0\0first line\n   second line
> admin.vm.property.Help+b h
< 2\0PermissionDenied\0\0no help\0
> admin.vm.property.Help+longer_name h
< 0\0never seen
EOF
	expect 0 'qvm-prefs work --help-properties | grep -E -A1 "^  (kernel |label)"' \
'  kernel              Directory of the kernel in dom0 that this qube boots from;
                        left empty it boots from its own disk
--
  label
  maxmem
' ''
	# It wins over everything else, and nothing is changed.
	calls_clear
	qvm-prefs -D --help-properties work netvm x >/dev/null
	assert_equal "$(calls | grep -cE 'Set|Reset')" 0
	expect 1 'qvm-prefs h --help-properties' $'  a            first line second line\n' \
		$'qvm-prefs: error: no help\n'
}

@test "a pattern that matches one qube" {
	start_appendix_a </dev/null
	expect 0 'qvm-prefs "w*k" netvm' $'sys-firewall\n' ''
	fails 2 'qvm-prefs "sys-*" netvm' "qvm-prefs: error: 'sys-*' matches more than one domain"
}

@test "JSON" {
	start_appendix_a </dev/null
	expect 0 'qvm-prefs --json work netvm' $'{"value":"sys-firewall","type":"vm","default":true}\n' ''
	expect 0 'qvm-prefs --json work default_dispvm' $'{"value":null,"type":"vm","default":true}\n' ''
	expect 0 'qvm-prefs --jsonl work debug' $'{"value":true,"type":"bool","default":false}\n' ''
	expect 0 'qvm-prefs --json work xid' $'{"value":-1,"type":"int","default":true}\n' ''
	expect 1 'qvm-prefs --json work stubdom_xid' $'{"value":null,"type":"int","default":true}\n' ''
	expect 0 'qvm-prefs --json --hide-default work netvm' $'null\n' ''
	expect 0 'qvm-prefs --json --hide-default work' '{
"debug":{"value":true,"type":"bool","default":false},
"label":{"value":"blue","type":"label","default":false},
"name":{"value":"work","type":"str","default":false},
"qid":{"value":5,"type":"int","default":false},
"stubdom_xid":{"value":null,"type":"int","default":true}
}
' ''
	expect 0 'qvm-prefs --jsonl --hide-default work | head -n 1' \
		$'{"name":"debug","value":true,"type":"bool","default":false}\n' ''
	expect 0 'qvm-prefs --json work --help-properties | grep kernel\"' \
		$'"kernel":"Directory of the kernel in dom0 that this qube boots from; left empty it boots from its own disk",\n'
}

@test "many qubes: every line begins with the qube's name" {
	start_appendix_a <<EOF
> admin.vm.property.Get+template debian-12
< $NOPROP
> admin.vm.property.Set+netvm sys-net
< 0\0
> admin.vm.property.Set+netvm sys-firewall
< 2\0QubesValueError\0\0no\0
EOF
	expect 0 'qvm-prefs --where name=sys-* netvm' $'sys-firewall  sys-net\n' ''
	expect 0 'qvm-prefs --where name=sys-* klass' $'sys-firewall  AppVM\nsys-net       AppVM\n' ''
	expect 0 'qvm-prefs --where name=w* --hide-default' \
'work  debug               -  True
work  label               -  blue
work  name                -  work
work  qid                 -  5
work  stubdom_xid         U
' ''
	# A template has no template; that some have none is no error.
	expect 0 'qvm-prefs --all --exclude disp7 template' \
		$'Vault         debian-12\nsys-firewall  debian-12\nsys-net       debian-12\nwork          debian-12\n' ''
	fails 2 'qvm-prefs --where name=deb* template' "qvm-prefs: error: no such property: 'template'"
	expect 0 'qvm-prefs --json --where name=sys-* netvm' '{
"sys-firewall":{"value":"sys-net","type":"vm","default":false},
"sys-net":{"value":null,"type":"vm","default":false}
}
' ''
	expect 0 'qvm-prefs --json --where name=[w]* --hide-default | head -n 3' \
		$'{\n"work":{\n"debug":{"value":true,"type":"bool","default":false},\n' ''
	calls_clear
	# All are tried, each failure is told.
	expect 1 'qvm-prefs --where name=sys-* netvm none' '' $'qvm-prefs: error: sys-firewall: no\n'
	assert_equal "$(calls | sort)" 'dom0 admin.vm.List+
sys-firewall admin.vm.property.Set+netvm
sys-net admin.vm.property.Set+netvm'
	expect 0 'qvm-prefs --where name=zzz netvm' '' ''
}

@test "qubes-prefs" {
	start_appendix_a <<'EOF'
> admin.property.Set+clockvm dom0 *
< 0\0
> admin.property.Set+default_kernel dom0 *
< 0\0
> admin.property.Reset+clockvm dom0
< 0\0
> admin.property.Set+updatevm dom0 ghost
< 2\0QubesVMNotFoundError\0\0No such domain: 'ghost'\0
> admin.property.Get+shut dom0
< close
EOF
	expect 0 'qubes-prefs' \
'check_updates_vm          D  True
clockvm                   -  sys-net
default_dispvm            D  None
default_kernel            -  6.6.2-1
default_netvm             -  sys-firewall
default_qrexec_timeout    D  60
default_shutdown_timeout  D  60
default_template          -  debian-12
updatevm                  D  None
' ''
	expect 0 'qubes-prefs updatevm' '' ''
	expect 0 'qubes-prefs default-netvm' $'sys-firewall\n' ''
	expect 0 'qubes-prefs --hide-default check_updates_vm' '' ''
	expect 0 'qubes-prefs --json clockvm' $'{"value":"sys-net","type":"vm","default":false}\n' ''
	expect 0 'qubes-prefs --help-properties | wc -l' $'9\n' ''
	fails 2 'qubes-prefs domains' "qubes-prefs: error: no such property: 'domains'"
	fails 2 'qubes-prefs nosuch' "qubes-prefs: error: no such property: 'nosuch'"
	fails 1 'qubes-prefs shut' "qubes-prefs: error: Failed to access 'shut' property"
	fails 1 'qubes-prefs updatevm ghost' "qubes-prefs: error: Failed to access 'updatevm' property"
	fails 2 'qubes-prefs --all' 'qubes-prefs: error: unrecognized arguments: --all'
	calls_clear
	expect 0 'qubes-prefs clockvm None; qubes-prefs -s clockvm sys-net; qubes-prefs default_kernel none
		qubes-prefs -D clockvm; qubes-prefs -g clockvm' $'sys-net\n' ''
	assert_equal "$(calls)" 'dom0 admin.property.Set+clockvm
dom0 admin.property.Set+clockvm <- sys-net
dom0 admin.property.Set+default_kernel <- none
dom0 admin.property.Reset+clockvm
dom0 admin.property.Get+clockvm'
}

@test "with the daemon" {
	start_daemon default
	expect 0 'qvm-prefs work memory; qvm-prefs work memory 600; qvm-prefs work memory
		qvm-prefs work --hide-default | grep memory' \
		$'400\n600\nmemory                -  600\n' ''
	expect 0 'qvm-prefs work memory -D; qvm-prefs work memory' $'400\n' ''
	fails 2 'qvm-prefs nosuch memory' "qvm-prefs: error: no such domain: 'nosuch'"
	fails 2 'qvm-prefs nosuch memory 5' "qvm-prefs: error: no such domain: 'nosuch'"
	fails 2 'qvm-prefs work nosuch' "qvm-prefs: error: no such property: 'nosuch'"
	fails 1 'qvm-prefs work memory abc' 'qvm-prefs: error: Failed to parse property value as int'
	fails 1 'qvm-prefs work qid 7' "qvm-prefs: error: property 'qid' is write-once and already set"
	expect 0 'qubes-prefs stats_interval 5; qubes-prefs stats_interval; qubes-prefs -D stats_interval' $'5\n' ''
}
