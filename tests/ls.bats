#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-ls against the qubes of tools-config appendix A: its worked examples, presets, columns, filters and
# order, the calls it makes, and what it does about unusual replies.

# shellcheck disable=SC2154 # stderr and its lines are set by run

load lib/common

FIXTURE=$BATS_TEST_DIRNAME/fixtures/appendix-a.script

setup() {
	case $BATS_TEST_DESCRIPTION in
	reply:* | daemon:*) ;; # has a server of its own
	*) start_script "$FIXTURE" ;;
	esac
}

# The fixture with other replies: lines from stdin are put before those of appendix A, and the requests
# that they answer are taken out of it.
start_changed() {
	local d=$BATS_TEST_TMPDIR
	cat >"$d/changes"
	awk 'NR == FNR { if (/^>/) changed[$0] = 1; print; next }
	     /^>/ { skip = $0 in changed }
	     !skip' "$d/changes" "$FIXTURE" >"$d/changed.script"
	start_script "$d/changed.script"
}

# ls_is OPTIONS EXPECTED: qvm-ls prints EXPECTED (plus a newline, unless it is empty) and nothing else.
ls_is() {
	expect 0 "qvm-ls $1" "${2:+$2$'\n'}" ''
}

# names OPTIONS NAMES: the names that a filter leaves, blank-separated.
names() {
	local want=
	[[ -z $2 ]] || want=$(printf '%s\n' $2)$'\n'
	expect 0 "qvm-ls --raw-list $1" "$want" ''
}

# The calls so far, sorted, as METHOD+ARG DEST and a count for each method.
methods() {
	calls | sed 's/^[^ ]* //; s/+.*//' | sort | uniq -c | sed 's/^ *//'
}

@test "the listing without options" {
	ls_is '' "\
NAME          STATE      CLASS       LABEL  TEMPLATE   NETVM
Vault         Paused     AppVM       black  debian-12  -
debian-12     Halted     TemplateVM  black  -          -
disp7         Transient  DispVM      red    work       sys-firewall
dom0          Running    AdminVM     black  -          -
sys-firewall  Running    AppVM       green  debian-12  sys-net
sys-net       Running    AppVM       red    debian-12  -
work          Halted     AppVM       blue   debian-12  sys-firewall"
	assert_equal "$(calls | sort)" "\
Vault admin.vm.property.GetAll+
debian-12 admin.vm.property.GetAll+
disp7 admin.vm.property.GetAll+
dom0 admin.vm.List+
dom0 admin.vm.property.GetAll+
sys-firewall admin.vm.property.GetAll+
sys-net admin.vm.property.GetAll+
work admin.vm.property.GetAll+"
}

@test "what List answers costs one call" {
	local o
	for o in --raw-list --null --all '-O name,state,class,klass' '--raw-data -O state' '-O name --running' \
		"-O name --class AppVM DispVM" 'work -O name' '-O ,'; do
		calls_clear
		case $o in
		--all) qvm-ls --all -O name >/dev/null ;;
		*) qvm-ls $o >/dev/null ;;
		esac
		assert_equal "$o: $(calls)" "$o: dom0 admin.vm.List+"
	done
}

@test "preset full" {
	ls_is '-o full' "\
NAME          STATE      CLASS       LABEL  QID  XID  UUID
Vault         Paused     AppVM       black  2    -1   -
debian-12     Halted     TemplateVM  black  1    -1   -
disp7         Transient  DispVM      red    6    -1   -
dom0          Running    AdminVM     black  0    0    -
sys-firewall  Running    AppVM       green  4    5    -
sys-net       Running    AppVM       red    3    3    -
work          Halted     AppVM       blue   5    -1   -"
}

@test "preset kernel" {
	local want="\
NAME          STATE      CLASS       TEMPLATE   KERNEL   KERNELOPTS
Vault         Paused     AppVM       debian-12  6.6.2-1  -
debian-12     Halted     TemplateVM  -          6.6.2-1  -
disp7         Transient  DispVM      work       6.6.2-1  -
dom0          Running    AdminVM     -          -        -
sys-firewall  Running    AppVM       debian-12  6.6.2-1  -
sys-net       Running    AppVM       debian-12  6.6.2-1  -
work          Halted     AppVM       debian-12  6.6.2-1  -"
	ls_is '-k' "$want"
	ls_is '--kernel' "$want"
	ls_is '--format=kernel' "$want"
}

@test "preset network: the gateway is that of the netvm, listed or not" {
	ls_is '-n' "\
NAME          STATE      NETVM         IP          IPBACK  GATEWAY
Vault         Paused     -             -           -       -
debian-12     Halted     -             -           -       -
disp7         Transient  sys-firewall  10.137.0.6  -       10.137.0.2
dom0          Running    -             -           -       -
sys-firewall  Running    sys-net       10.137.0.4  -       10.138.1.1
sys-net       Running    -             10.137.0.3  -       -
work          Halted     sys-firewall  10.137.0.5  -       10.137.0.2"
	calls_clear
	ls_is '-o network work' "\
NAME  STATE   NETVM         IP          IPBACK  GATEWAY
work  Halted  sys-firewall  10.137.0.5  -       10.137.0.2"
	assert_equal "$(calls)" "\
dom0 admin.vm.List+
work admin.vm.property.GetAll+
sys-firewall admin.vm.property.GetAll+"
}

@test "preset prefs" {
	ls_is '-o prefs' "\
NAME          LABEL  TEMPLATE   NETVM         VCPUS  INITIALMEM  MAXMEM  VIRT-MODE
Vault         black  debian-12  -             2      -           4000    pvh
debian-12     black  -          -             2      -           4000    pvh
disp7         red    work       sys-firewall  2      -           4000    pvh
dom0          black  -          -             -      -           -       -
sys-firewall  green  debian-12  sys-net       2      -           4000    pvh
sys-net       red    debian-12  -             2      -           4000    hvm
work          blue   debian-12  sys-firewall  2      -           4000    pvh"
}

@test "preset disk, each volume asked once" {
	ls_is '-d' "\
NAME          STATE      DISK  PRIV-CURR  PRIV-MAX  PRIV-USED  ROOT-CURR  ROOT-MAX  ROOT-USED
Vault         Paused     0     0          2048      0%         0          0         0
debian-12     Halted     4096  0          2048      0%         4096       20480     20%
disp7         Transient  0     0          0         0          0          0         0
dom0          Running    0     0          0         0          0          0         0
sys-firewall  Running    100   100        2048      4%         0          20480     0%
sys-net       Running    512   512        2048      25%        0          20480     0%
work          Halted     2150  1126       2048      54%        1024       20480     5%"
	assert_equal "$(methods)" "\
1 admin.vm.List
12 admin.vm.volume.Info
7 admin.vm.volume.List"
	calls_clear
	ls_is '-O name,priv-pool,root-pool,priv_curr sys-net disp7' "\
NAME     PRIV-POOL  ROOT-POOL  PRIV-CURR
disp7    -          -          0
sys-net  vm-pool    vm-pool    512"
	# Only the volumes that the columns are about.
	assert_equal "$(calls | sort)" "\
disp7 admin.vm.volume.List+
dom0 admin.vm.List+
sys-net admin.vm.volume.Info+private
sys-net admin.vm.volume.Info+root
sys-net admin.vm.volume.List+"
}

@test "sorting by numbers, downwards and stable" {
	ls_is '-d --sort priv-curr --reverse' "\
NAME          STATE      DISK  PRIV-CURR  PRIV-MAX  PRIV-USED  ROOT-CURR  ROOT-MAX  ROOT-USED
work          Halted     2150  1126       2048      54%        1024       20480     5%
sys-net       Running    512   512        2048      25%        0          20480     0%
sys-firewall  Running    100   100        2048      4%         0          20480     0%
Vault         Paused     0     0          2048      0%         0          0         0
debian-12     Halted     4096  0          2048      0%         4096       20480     20%
disp7         Transient  0     0          0         0          0          0         0
dom0          Running    0     0          0         0          0          0         0"
	# The percent sign does not count: 5 < 20.
	expect 0 "qvm-ls -O name,root-used --sort root_used | tail -n 2" "\
work          5%
debian-12     20%
"
}

@test "the tree" {
	ls_is '--tree -O name,netvm' "\
NAME            NETVM
Vault           -
debian-12       -
dom0            -
sys-net         -
└─sys-firewall  sys-net
  └─disp7       sys-firewall
  └─work        sys-firewall"
	assert_equal "$(methods)" "\
1 admin.vm.List
7 admin.vm.property.GetAll"
	# Sorting options have no effect, and without NAME only the order shows.
	ls_is '-t -O name --reverse dom0 work sys-net sys-firewall' "\
NAME
dom0
sys-net
└─sys-firewall
  └─work"
	ls_is '-t -O qid,state sys-net sys-firewall' "\
QID  STATE
3    Running
4    Running"
	# Raw output knows no tree.
	ls_is '--tree --raw-data -O name work sys-net' "\
sys-net
work"
}

@test "the tree: a qube whose netvm is not listed is a root" {
	ls_is '--tree work -O name,netvm' "\
NAME  NETVM
work  sys-firewall"
	ls_is '--tree -O name work sys-firewall Vault disp7' "\
NAME
Vault
sys-firewall
└─disp7
└─work"
	ls_is '--tree -O name work disp7 sys-net' "\
NAME
sys-net
disp7
work"
}

@test "the tree outside UTF-8 is ASCII" {
	expect 0 'LC_ALL=C qvm-ls --tree -O name,qid sys-net sys-firewall work' "\
NAME            QID
sys-net         3
\`-sys-firewall  4
  \`-work        5
" ''
}

@test "raw data" {
	ls_is '--raw-data -O name,state,memory,kernelopts,xid' "\
Vault|Paused|1024|-|-1
debian-12|Halted|-|-|-1
disp7|Transient|1024|-|-1
dom0|Running|4096|-|0
sys-firewall|Running|300|-|5
sys-net|Running|400|-|3
work|Halted|-|-|-1"
	# Memory is asked of those that run.
	assert_equal "$(methods)" "\
5 admin.vm.CurrentState
1 admin.vm.List
7 admin.vm.property.GetAll"
	ls_is '--raw-list' "\
Vault
debian-12
disp7
dom0
sys-firewall
sys-net
work"
	ls_is '--raw-list -O qid work' work
	ls_is '--raw-list -o disk work' work
	expect 0 "qvm-ls -0 'sys-*' work | tr '\\0' ," 'sys-firewall,sys-net,work,' ''
	expect 0 "qvm-ls --null work | od -An -c" '   w   o   r   k  \0
' ''
}

@test "raw data is sorted when that is asked for" {
	ls_is "--raw-list --reverse 'sys-*' work" "\
work
sys-net
sys-firewall"
	ls_is '--raw-list --ignore-case Vault dom0 work' "\
dom0
Vault
work"
	ls_is '--raw-data -O name,xid --sort xid sys-net sys-firewall dom0' "\
dom0|0
sys-net|3
sys-firewall|5"
}

@test "flags" {
	ls_is '-O name,flags' "\
NAME          FLAGS
Vault         ap------
debian-12     t-U-R---
disp7         dt------
dom0          0rU-----
sys-firewall  ar-N----
sys-net       Ar-N---A
work          a-----D-"
}

@test "sorting" {
	ls_is "-O name,qid --sort name --reverse 'sys-*' work" "\
NAME          QID
work          5
sys-net       3
sys-firewall  4"
	ls_is '-O name --ignore-case Vault work debian-12' "\
NAME
debian-12
Vault
work"
	# Text, so "-" comes first; equal rows keep the order of names, downwards too.
	ls_is '-O netvm,name --sort NetVM --reverse' "\
NETVM         NAME
sys-net       sys-firewall
sys-firewall  disp7
sys-firewall  work
-             Vault
-             debian-12
-             dom0
-             sys-net"
	ls_is '-O name,xid --sort xid dom0 sys-net Vault sys-firewall' "\
NAME          XID
Vault         -1
dom0          0
sys-net       3
sys-firewall  5"
	# A column that is not a number counts as 0.
	ls_is '-O name,vcpus --sort vcpus work dom0' "\
NAME  VCPUS
dom0  -
work  2"
	ls_is '-O name,virt_mode --sort virt_mode work sys-net' "\
NAME     VIRT-MODE
sys-net  hvm
work     pvh"
	# Not among the columns: no effect.
	ls_is '-O name --sort xid --reverse work dom0' "\
NAME
dom0
work"
	ls_is '-O xid --reverse dom0 sys-net' "\
XID
0
3"
}

@test "columns: spellings, unknown, empty and repeated names" {
	ls_is "-O ' name , Virt-Mode,virt_mode,nosuch,,qid' sys-net work" "\
NAME     VIRT-MODE  VIRT-MODE  NOSUCH     QID
sys-net  hvm        hvm        -       -  3
work     pvh        pvh        -       -  5"
	ls_is '-O name,priv_curr,priv-curr work' "\
NAME  PRIV-CURR  PRIV-CURR
work  1126       1126"
	ls_is "-O '' work" "\
NAME  STATE   CLASS  LABEL  TEMPLATE   NETVM
work  Halted  AppVM  blue   debian-12  sys-firewall"
	ls_is '-O name,stubdom_xid,default_dispvm,kernelopts,debug,autostart work' "\
NAME  STUBDOM-XID  DEFAULT-DISPVM  KERNELOPTS  DEBUG  AUTOSTART
work  -            -               -           True   False"
	ls_is '-O name,log,start,firewall,devices work' "\
NAME  LOG  START  FIREWALL  DEVICES
work  -    -      -         -"
}

@test "columns: references" {
	ls_is '-O name,netvm.ip,template.netvm,netvm.netvm.name,label.color disp7 sys-net work' "\
NAME     NETVM.IP    TEMPLATE.NETVM  NETVM.NETVM.NAME  LABEL.COLOR
disp7    10.137.0.4  sys-firewall    sys-net           0xcc0000
sys-net  -           -               -                 0xcc0000
work     10.137.0.4  -               sys-net           0x3465a4"
	# The two red ones share one call; the qubes referred to have one each.
	assert_equal "$(calls | sort)" "\
debian-12 admin.vm.property.GetAll+
disp7 admin.vm.property.GetAll+
dom0 admin.label.Get+blue
dom0 admin.label.Get+red
dom0 admin.vm.List+
sys-firewall admin.vm.property.GetAll+
sys-net admin.vm.property.GetAll+
work admin.vm.property.GetAll+"
	ls_is '-O name,label.index,label.name,label.nosuch,qid.x,nosuch.y work' "\
NAME  LABEL.INDEX  LABEL.NAME  LABEL.NOSUCH  QID.X  NOSUCH.Y
work  6            blue        -             -      -"
}

@test "columns: lists" {
	ls_is '-O name,klass,tags,features,volumes sys-net disp7' "\
NAME     KLASS   TAGS             FEATURES                           VOLUMES
disp7    DispVM  -                internal                           -
sys-net  AppVM   created-by-dom0  servicevm,service.network-manager  root,private,volatile,kernel"
	ls_is '-O name,appvms,derived_vms,connected_vms debian-12 sys-firewall sys-net work' "\
NAME          APPVMS                           DERIVED-VMS                            CONNECTED-VMS
debian-12     Vault,sys-firewall,sys-net,work  Vault,disp7,sys-firewall,sys-net,work  -
sys-firewall  -                                -                                      disp7,work
sys-net       -                                -                                      sys-firewall
work          disp7                            disp7                                  -"
}

@test "filters" {
	names '--class AppVM' 'Vault sys-firewall sys-net work'
	names '--class DispVM AdminVM' 'disp7 dom0'
	names '--class appvm' ''
	names '--label red black' 'Vault debian-12 disp7 dom0 sys-net'
	names '--tags created-by-dom0' 'sys-firewall sys-net work'
	names '--tags zeta alpha nope' 'work'
	names '--exclude-tags zeta' 'Vault debian-12 disp7 dom0 sys-firewall sys-net'
	names '--tags created-by-dom0 --exclude-tags alpha' 'sys-firewall sys-net'
	names '--running' 'dom0 sys-firewall sys-net'
	names '--paused' 'Vault'
	names '--halted --paused' 'Vault debian-12 work'
	names '--template-source work' 'disp7'
	names '--template-source debian-12 work --halted' 'work'
	names "--template-source ''" 'debian-12 dom0'
	names '--netvm-is sys-net' 'sys-firewall'
	names "--netvm-is ''" 'Vault debian-12 dom0 sys-net'
	names "--netvm-is '' sys-firewall" 'Vault debian-12 disp7 dom0 sys-net work'
	names '--internal y' 'disp7'
	names '--internal no' 'Vault debian-12 dom0 sys-firewall sys-net work'
	names '--servicevm yes' 'sys-firewall sys-net'
	names '--servicevm n --running' 'dom0'
	names '--pending-update' 'debian-12'
}

@test "filters by features" {
	names '--features servicevm=1' 'sys-firewall sys-net'
	names '--features gui=1 service.cups=1' 'work'
	names '--features gui=1 servicevm=1' ''
	names '--features gui=' 'Vault debian-12 disp7 dom0 sys-firewall sys-net'
	names "work sys-net --features note=\"''\"" 'work'
	names "work sys-net --features 'note=\"\"'" 'work'
	names 'work sys-net --features note=' 'sys-net'
	names "work --features gui=\"''\"" ''
	names "work --features 'menu-items=a.desktop b.desktop'" 'work'
}

@test "filters by properties" {
	names '--prefs debug=True' 'work'
	names '--prefs debug=true' ''
	names '--prefs netvm=sys-net' 'sys-firewall'
	names '--prefs netvm=None' 'Vault debian-12 dom0 sys-net'
	names '--prefs netvm=' 'Vault debian-12 dom0 sys-net'
	names '--prefs virt-mode=hvm' 'sys-net'
	names '--prefs virt_mode=' 'dom0'
	names "work dom0 --prefs kernelopts=\"''\"" 'work'
	names "work dom0 --prefs 'kernelopts=\"\"'" 'work'
	names 'work dom0 --prefs kernelopts=' 'dom0'
	names 'work --prefs nosuch=None' 'work'
	names '--prefs xid=3' 'sys-net'
	names '--prefs xid=-1 label=red' 'disp7'
	names '--prefs klass=TemplateVM' 'debian-12'
	names '--prefs name=work' 'work'
}

@test "nothing left: the heading alone, or no byte" {
	ls_is '--tags nope' 'NAME  STATE  CLASS  LABEL  TEMPLATE  NETVM'
	ls_is '--raw-data --tags nope' ''
	ls_is "'nosuch*'" 'NAME  STATE  CLASS  LABEL  TEMPLATE  NETVM'
	ls_is "--raw-list '[!A-z]*'" ''
	ls_is "--tree --class X" 'NAME  STATE  CLASS  LABEL  TEMPLATE  NETVM'
	ls_is "--json 'nosuch*' | jq -c ." '[]'
}

@test "filters ask about those that are left, and only what they need" {
	qvm-ls --running --tags created-by-dom0 -O name >/dev/null
	assert_equal "$(calls | sort)" "\
dom0 admin.vm.List+
dom0 admin.vm.tag.List+
sys-firewall admin.vm.tag.List+
sys-net admin.vm.tag.List+"
	calls_clear
	# GetAll is asked once, for the filter and the columns together.
	qvm-ls --label blue --features gui=1 >/dev/null
	assert_equal "$(methods)" "\
1 admin.vm.List
7 admin.vm.feature.Get
7 admin.vm.property.GetAll"
	calls_clear
	qvm-ls --tags zeta >/dev/null
	assert_equal "$(calls | grep GetAll)" 'work admin.vm.property.GetAll+'
}

@test "names" {
	names 'work Vault work' 'Vault work'
	names "'sys-*' dom0" 'dom0 sys-firewall sys-net'
	names "'[!sw]*'" 'Vault debian-12 disp7 dom0'
	names '--all' 'Vault debian-12 disp7 dom0 sys-firewall sys-net work'
	names '--all --exclude dom0 --exclude work --exclude nosuch' 'Vault debian-12 disp7 sys-firewall sys-net'
	names "--all --exclude 'sys-*'" 'Vault debian-12 disp7 dom0 sys-firewall sys-net work'
	names 'work --running sys-net' 'sys-net'
}

@test "--where" {
	names "--where 'name=sys-*'" 'sys-firewall sys-net'
	names "--where 'class=AppVM' --where 'state!=Running'" 'Vault work'
	names "--where tag=zeta" 'work'
	names "--where 'class=AppVM' --exclude work" 'Vault sys-firewall sys-net'
	names "work dom0 --where class=AdminVM" 'dom0'
	ls_is '--where label=blue' "\
NAME  STATE   CLASS  LABEL  TEMPLATE   NETVM
work  Halted  AppVM  blue   debian-12  sys-firewall"
}

# usage_error OPTIONS TEXT: exit 2, no output, usage and the text on stderr.
usage_error() {
	run --separate-stderr bash -c "qvm-ls $1"
	assert_equal "$1: $status" "$1: 2"
	assert_equal "$output" ''
	[[ $stderr == 'usage: qvm-ls'* ]]
	[[ ${stderr##*$'\n'} == "qvm-ls: error: $2"* ]] || fail "$1: $stderr"
}

@test "usage errors" {
	usage_error 'nosuch' "no such domain: 'nosuch'"
	usage_error 'work nosuch other' "no such domain: 'nosuch'"
	usage_error "\"it's\"" "no such domain: \"it's\""
	usage_error '--exclude work' '--exclude can only be used with --all'
	usage_error '--all work' 'argument VMNAME: not allowed with argument --all'
	usage_error '--features foo' 'Invalid argument: --features foo'
	usage_error '--prefs =x' 'Invalid argument: --prefs =x'
	usage_error '-o nope' "argument --format/-o: invalid choice: 'nope' ("
	usage_error '--internal maybe' "argument --internal: invalid choice: 'maybe' ("
	usage_error '-d -n' 'argument --network/-n: not allowed with argument --disk/-d'
	usage_error '-O name -o full' 'argument --format/-o: not allowed with argument --fields/-O'
	usage_error '-k -d' 'argument --disk/-d: not allowed with argument --kernel/-k'
	usage_error '--sort' 'argument --sort: expected one argument'
	usage_error '--tags' 'argument --tags: expected at least one argument'
	usage_error '--state' 'unrecognized arguments: --state'
	usage_error '--raw' 'ambiguous option: --raw could match --raw-data, --raw-list'
	usage_error '--nul' 'unrecognized arguments: --nul'
}

@test "usage errors: JSON is no raw output" {
	local case
	for case in '--json --raw-list' '--jsonl --raw-data' '--json --null/-0'; do
		run --separate-stderr qvm-ls ${case%/-0}
		assert_equal "$status" 2
		assert_equal "$output" ''
		[[ $stderr == *$'\n'"qvm-ls: error: argument ${case% *}: not allowed with argument ${case#* }"$'\n{'* ]]
	done
}

@test "abbreviations of the Python tool still work" {
	names '--tag zeta' 'work'
	names '--halt --temp debian-12' 'work'
	ls_is '--form=full work' "\
NAME  STATE   CLASS  LABEL  QID  XID  UUID
work  Halted  AppVM  blue   5    -1   -"
	ls_is '--spin --no-sp --raw-l work' 'work'
}

@test "help texts: formats and columns" {
	stop_script
	ls_is '--help-formats' "\
Available formats:
  disk     NAME,STATE,DISK,PRIV-CURR,PRIV-MAX,PRIV-USED,ROOT-CURR,ROOT-MAX,ROOT-USED
  full     NAME,STATE,CLASS,LABEL,QID,XID,UUID
  kernel   NAME,STATE,CLASS,TEMPLATE,KERNEL,KERNELOPTS
  network  NAME,STATE,NETVM,IP,IPBACK,GATEWAY
  prefs    NAME,LABEL,TEMPLATE,NETVM,VCPUS,INITIALMEM,MAXMEM,VIRT_MODE
  simple   NAME,STATE,CLASS,LABEL,TEMPLATE,NETVM
"
	run --separate-stderr qvm-ls --help-columns --bogus
	assert_success
	assert_equal "${lines[0]}" 'Available columns:'
	assert_equal "$(sed -n 's/^  \([A-Z]\)/\1/p' <<<"$output" | sed 's/ .*//' | xargs)" \
		'CLASS DISK FLAGS GATEWAY MEMORY PRIV-CURR PRIV-MAX PRIV-POOL PRIV-USED ROOT-CURR ROOT-MAX ROOT-POOL ROOT-USED STATE'
	# Heads are padded to the widest (9); further lines of a description are indented by 15.
	[[ $output == *$'\n  CLASS      C'* && $output == *$'\n               '[!\ ]* ]]
	assert_equal "$(qvm-ls --help-columns | head -n -3 | awk 'length > 80')" ''
	assert_equal "$(qvm-ls --help-columns | tail -n 3 | sed 's/..*/x/' | tr '\n' ,)" ',x,,'
}

@test "JSON: typed values, null for what is not there" {
	expect 0 "qvm-ls --json -O name,state,xid,debug,netvm,nosuch,kernelopts,virt_mode,priv-used work dom0 | jq -cS ." \
		'[{"debug":null,"kernelopts":null,"name":"dom0","netvm":null,"nosuch":null,"priv-used":0,"state":"Running","virt-mode":null,"xid":0},{"debug":true,"kernelopts":null,"name":"work","netvm":"sys-firewall","nosuch":null,"priv-used":54,"state":"Halted","virt-mode":"pvh","xid":-1}]
' ''
	expect 0 "qvm-ls --json -O name,tags,features,name, work disp7 | jq -cS ." \
		'[{"features":["internal"],"name":"disp7","tags":[]},{"features":["service.cups","service.crond","gui","menu-items","note"],"name":"work","tags":["zeta","alpha","created-by-dom0"]}]
' ''
	expect 0 "qvm-ls --jsonl -O name,memory --sort name --reverse work sys-net | jq -cS ." \
		'{"memory":null,"name":"work"}
{"memory":400,"name":"sys-net"}
' ''
	expect 0 "qvm-ls --json --tree -O name dom0 sys-net sys-firewall work | jq -c '.[] | [.name, .depth]'" \
		'["dom0",0]
["sys-net",0]
["sys-firewall",1]
["work",2]
' ''
	expect 0 "qvm-ls --json work | jq -c ." \
		'[{"name":"work","state":"Halted","class":"AppVM","label":"blue","template":"debian-12","netvm":"sys-firewall"}]
' ''
}

@test "--calls prints what was asked" {
	run --separate-stderr qvm-ls --calls -O name work
	assert_success
	assert_equal "$output" $'NAME\nwork'
	[[ $stderr == *admin.vm.List*dom0* ]]
	assert_equal "${#stderr_lines[@]}" 1
}

@test "nothing on stderr although it is no terminal" {
	expect 0 'qvm-ls --spinner work -O name' $'NAME\nwork\n' ''
}

@test "a failed write is an error" {
	run --separate-stderr bash -c 'qvm-ls >/dev/full'
	assert_equal "$status" 1
	[[ $stderr == 'qvm-ls: error: '* ]]
}

@test "reply: List refused" {
	start_script <<'EOS'
> admin.vm.List+ dom0
< close
EOS
	local text='Got empty response from qubesd. See journalctl in dom0 for details.'
	expect 1 'qvm-ls' '' "qvm-ls: error: $text"$'\n'
	expect 1 'qvm-ls work' '' "Error: $text"$'\n'
	expect 1 "qvm-ls 'w*'" '' "Error: $text"$'\n'
}

@test "reply: List with further words, without a state, out of order" {
	start_script <<'EOS'
> admin.vm.List+ dom0
< 0\0b class=AppVM state=Halted uuid=00000000-0000-4000-8000-000000000001 more=x\na state=Running class=DispVM\n
EOS
	ls_is '-O name,state,class,uuid b' "\
NAME  STATE   CLASS  UUID
b     Halted  AppVM  00000000-0000-4000-8000-000000000001"
	ls_is '--raw-data -O name,state,class' "\
a|Running|DispVM
b|Halted|AppVM"
}

@test "reply: a qube that is gone is left out, in the tree too" {
	start_changed <<'EOS'
> admin.vm.property.GetAll+ work
< 2\0QubesVMNotFoundError\0\0No such domain: 'work'\0
> admin.vm.CurrentState+ sys-net
< 2\0QubesVMNotFoundError\0\0No such domain: 'sys-net'\0
EOS
	ls_is '-O name,qid work Vault' "\
NAME   QID
Vault  2"
	ls_is '--tree -O name sys-net work sys-firewall' "\
NAME
sys-net
└─sys-firewall"
	ls_is '-O name,memory sys-net dom0' "\
NAME  MEMORY
dom0  4096"
	ls_is '--raw-list --prefs debug=True' ''
	ls_is '-O name,template.qid disp7' "\
NAME   TEMPLATE.QID
disp7  -"
}

@test "reply: GetAll refused: the properties one by one, those refused are absent" {
	start_changed <<'EOS'
> admin.vm.property.GetAll+ work
< close
> admin.vm.property.GetAll+ sys-net
< 2\0PermissionDenied\0\0Denied\0
> admin.vm.property.Get+label work
< close
> admin.vm.property.Get+template work
< 2\0PermissionDenied\0\0Denied\0
EOS
	ls_is 'work sys-net' "\
NAME     STATE    CLASS  LABEL  TEMPLATE   NETVM
sys-net  Running  AppVM  red    debian-12  -
work     Halted   AppVM  -      -          sys-firewall"
	assert_equal "$(calls | sort)" "\
dom0 admin.vm.List+
sys-net admin.vm.property.Get+label
sys-net admin.vm.property.Get+netvm
sys-net admin.vm.property.Get+template
sys-net admin.vm.property.GetAll+
work admin.vm.property.Get+label
work admin.vm.property.Get+netvm
work admin.vm.property.Get+template
work admin.vm.property.GetAll+"
	ls_is '-O name,stubdom_xid,kernelopts,debug,nosuch,qid work' "\
NAME  STUBDOM-XID  KERNELOPTS  DEBUG  NOSUCH  QID
work  -            -           True   -       5"
	ls_is '--raw-data -O name,flags work sys-net' "\
sys-net|Ar-N---A
work|a-----D-"
	ls_is '--tree -O name sys-net sys-firewall work' "\
NAME
sys-net
└─sys-firewall
  └─work"
}

@test "reply: any other refusal of GetAll ends the listing" {
	start_changed <<'EOS'
> admin.vm.property.GetAll+ work
< 2\0QubesException\0\0100%% broken\0
EOS
	expect 1 'qvm-ls' '' $'qvm-ls: error: 100% broken\n'
	expect 0 'qvm-ls --raw-list work' $'work\n' ''
}

@test "reply: volumes refused" {
	start_changed <<'EOS'
> admin.vm.volume.List+ Vault
< close
> admin.vm.volume.Info+root work
< 2\0PermissionDenied\0\0Denied\0
> admin.vm.volume.Info+private sys-net
< 0\0pool=p\nusage=1\nsize=x\n
EOS
	ls_is '-d Vault work sys-net' "\
NAME     STATE    DISK  PRIV-CURR  PRIV-MAX  PRIV-USED  ROOT-CURR  ROOT-MAX  ROOT-USED
Vault    Paused   -     -          -         -          -          -         -
sys-net  Running  -     -          -         -          0          20480     0%
work     Halted   -     1126       2048      54%        -          -         -"
}

@test "reply: everything else refused" {
	start_changed <<'EOS'
> admin.vm.CurrentState+ dom0
< close
> admin.vm.tag.List+ dom0
< 2\0PermissionDenied\0\0Denied\0
> admin.vm.feature.Get+gui dom0
< close
> admin.label.Get+black dom0
< 2\0QubesLabelNotFoundError\0\0black\0
EOS
	ls_is '-O name,state,memory,tags,label.color dom0' "\
NAME  STATE    MEMORY  TAGS  LABEL.COLOR
dom0  Running  -       -     -"
	names 'dom0 --features gui=' 'dom0'
	names 'dom0 --exclude-tags x' 'dom0'
}

@test "reply: values that hurt a table" {
	start_changed <<'EOS'
> admin.vm.property.GetAll+ work
< 0\0a default=True type=str one\\ntwo\nb default=True type=str x|y\nc default=True type=str \xe6\x97\xa5\xe6\x9c\xac\nd default=True type=str  z \n
EOS
	ls_is '-O a,b,c,name work' "\
A         B    C     NAME
one\\ntwo  x|y  日本  work"
	ls_is '--raw-data -O name,a,b work' "\
work|one
two|x|y"
	expect 0 'qvm-ls -O name,d work' $'NAME  D\nwork   z \n' ''
	expect 0 'qvm-ls --json -O a work | jq -c .' $'[{"a":"one\\ntwo"}]\n' ''
}

@test "reply: control bytes reach a pipe, not a terminal" {
	start_changed <<'EOS'
> admin.vm.property.GetAll+ work
< 0\0a default=True type=str x\x1b[31my\n
EOS
	ls_is '--raw-data -O a work' $'x\e[31my'
	ls_is '-O a work' $'A\nx\e[31my'
	expect 0 "script -qec 'qvm-ls --raw-data -O a work' /dev/null </dev/null" $'x_[31my\r\n'
	expect 0 "script -qec 'qvm-ls -O a work' /dev/null </dev/null" $'A\r\nx_[31my\r\n'
}

@test "reply: on a terminal that waits for long something turns, and is wiped away" {
	start_changed <<'EOS'
> admin.vm.property.GetAll+ work
delay 600
< 0\0label default=False type=label blue\n
EOS
	local out=$BATS_TEST_TMPDIR/listing wiped
	printf -v wiped '\r%16s\r' ''
	expect 0 "script -qec 'qvm-ls -O label.color work >$out' /dev/null </dev/null" "please wait... -$wiped"
	assert_equal "$(<"$out")" $'LABEL.COLOR\n0x3465a4'
	expect 0 "script -qec 'qvm-ls --no-spinner -O label.color work >$out' /dev/null </dev/null" ''
}

@test "daemon: one GetAll for each qube that is shown" {
	local fixture
	for fixture in 44 200; do
		unset QVMD_STATE
		start_daemon "$fixture"
		expect 0 'qvm-ls --calls 2>&1 >/dev/null | cut -d" " -f1 | sort | uniq -c | xargs' \
			"1 admin.vm.List $fixture admin.vm.property.GetAll"$'\n'
		expect 0 'qvm-ls --calls --class TemplateVM --raw-list 2>&1 >/dev/null | xargs' $'admin.vm.List dom0 - 0\n'
		stop_daemon
		rm -rf "$QVMD_STATE"
	done
}

@test "reply: a ring of netvms ends" {
	start_script <<'EOS'
> admin.vm.List+ dom0
< 0\0a class=AppVM state=Halted\nb class=AppVM state=Halted\nc class=AppVM state=Halted\n
> admin.vm.property.GetAll+ a
< 0\0netvm default=True type=vm b\nprovides_network default=True type=bool True\n
> admin.vm.property.GetAll+ b
< 0\0netvm default=True type=vm a\nprovides_network default=True type=bool True\n
> admin.vm.property.GetAll+ c
< 0\0netvm default=True type=vm c\nprovides_network default=True type=bool False\ntemplate default=True type=vm c\n
EOS
	ls_is '--tree -O name' "\
NAME
a
└─b
c"
	ls_is '-O name,netvm.netvm.netvm.name,derived_vms,connected_vms' "\
NAME  NETVM.NETVM.NETVM.NAME  DERIVED-VMS  CONNECTED-VMS
a     b                       -            b
b     a                       -            a
c     c                       c            c"
}

@test "reply: no daemon" {
	export QVM_ENDPOINT=unix:$BATS_TEST_TMPDIR/none
	expect 1 'qvm-ls' '' $'qvm-ls: error: Failed to connect to qubesd service: [Errno 2] No such file or directory\n'
}
