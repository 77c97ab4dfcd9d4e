#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The script of backups in a lab: what is saved, verified, removed and restored is as it was. Each command stands
# before its output.
load lib/common
load lib/sandbox

# ---- what several of its parts say ----

OTHERS="VMs not selected for backup:
 - debian-13-xfce
 - default-dvm
 - default-mgmt-dvm
 - dom0
 - fedora-42-xfce
 - personal
 - sys-firewall
 - sys-net
 - sys-usb
 - untrusted
 - vault
 - work


"

SAVED="------------------+--------------+--------------+
               VM |         type |         size |
------------------+--------------+--------------+
            alone |     VM + Sys |    136.0 KiB |
              dvm |           VM |     68.0 KiB |
           online |           VM |     68.6 KiB |
              own |  Template VM |    136.0 KiB |
            plain |           VM |     68.0 KiB |
------------------+--------------+--------------+
      Total size: |                   476.6 KiB |
------------------+--------------+--------------+
$OTHERS"

PLAN="The following VMs are included in the backup:

--------+--------------+----------------+-----------+--------+
   name |         type |       template |     netvm |  label |
--------+--------------+----------------+-----------+--------+
  alone | StandaloneVM |            n/a | (default) |    red |
    dvm |        AppVM |            own | (default) | orange |
 online |        AppVM |            own | (default) | purple |
    own |   TemplateVM |            n/a | (default) |   gray |
  plain |        AppVM | fedora-42-xfce |         - |  green |
"

WAS="own is as it was, and its volumes: root private
online is as it was, and its volumes: private
alone is as it was, and its volumes: root private
dvm is as it was, and its volumes: private
plain is as it was, and its volumes: private"

# ---- all that they say ----

to_file() {
	cat <<END
\$ qvm-create --class TemplateVM --label gray own
\$ qvm-create --template own --label purple online
\$ qvm-create --class StandaloneVM --label red alone
\$ qvm-create --template own --label orange dvm
\$ qvm-create --label green --property netvm= plain
\$ qvm-tags plain add mine
\$ qvm-prefs dvm template_for_dispvms True
\$ qvm-prefs online default_dispvm dvm
\$ qvm-prefs online memory 300
\$ qvm-prefs online kernelopts a b=c
\$ qvm-features online odd x <&> 'y'
\$ qvm-service online crond on
\$ qvm-tags online add far mine
\$ qvm-notes online --set call them <&> soon
\$ qvm-firewall online del --rule-no 0
\$ qvm-firewall online add accept dst4=192.168.0.0/24 proto=tcp dstports=22-25 comment=for me, not you
\$ qvm-firewall online add accept dsthost=example.org expire=4102444800
\$ qvm-firewall online add drop
\$ qvm-block assign --required --option read-only=yes online sys-usb:sda
\$ qvm-usb assign --ask alone sys-usb:2-3
include: [own, online, alone, dvm, plain]
destination_vm: dom0
destination_path: backup
passphrase_text: correct horse
\$ qvm-backup --yes --profile weekly
$SAVED
\$ qvm-backup-restore --quiet --verify-only -p secret backup
$PLAN
alone: whole, 2 files, 1.0 MiB
dvm: whole, 1 files, 516.0 KiB
online: whole, 3 files, 516.6 KiB
own: whole, 2 files, 1.0 MiB
plain: whole, 1 files, 516.0 KiB
\$ qvm-remove --force online dvm plain alone own
\$ qvm-backup-restore --quiet -p secret backup
$PLAN
$WAS
END
}

to_qube() {
	cat <<END
\$ qvm-start --quiet vault
include: [own, online, alone, dvm, plain]
destination_vm: vault
destination_path: cat >backup
passphrase_text: correct horse
\$ qvm-backup --yes --profile away
$SAVED
\$ qvm-backup-restore --quiet --verify-only --jsonl -p secret -d vault /home/user/backup
{"name":"alone","verdict":"whole","files":2,"bytes":1056768,"problems":[]}
{"name":"dvm","verdict":"whole","files":1,"bytes":528384,"problems":[]}
{"name":"online","verdict":"whole","files":3,"bytes":528962,"problems":[]}
{"name":"own","verdict":"whole","files":2,"bytes":1056768,"problems":[]}
{"name":"plain","verdict":"whole","files":1,"bytes":528384,"problems":[]}
{"name":null,"verdict":"whole","files":null,"bytes":null,"problems":[]}
\$ qvm-remove --force online dvm plain alone own
\$ qvm-backup-restore --quiet --jsonl -p secret -d vault /home/user/backup
{"name":"alone","restored_as":"alone","verdict":"restored","stays":true,"problem":null}
{"name":"dvm","restored_as":"dvm","verdict":"restored","stays":true,"problem":null}
{"name":"online","restored_as":"online","verdict":"restored","stays":true,"problem":null}
{"name":"own","restored_as":"own","verdict":"restored","stays":true,"problem":null}
{"name":"plain","restored_as":"plain","verdict":"restored","stays":true,"problem":null}
$WAS
END
}

filtered() { # FILTER OPTIONS
	cat <<END
include: [plain]
destination_vm: dom0
destination_path: plain.$1
compression: $1
passphrase_text: correct horse
\$ env -i qvm-backup --yes --profile $1
------------------+--------------+--------------+
               VM |         type |         size |
------------------+--------------+--------------+
            plain |           VM |     68.0 KiB |
------------------+--------------+--------------+
      Total size: |                    68.0 KiB |
------------------+--------------+--------------+
$OTHERS
\$ env -i qvm-backup-restore --quiet --verify-only --jsonl -p secret $2plain.$1
{"name":"plain","verdict":"whole","files":1,"bytes":528384,"problems":[]}
{"name":null,"verdict":"whole","files":null,"bytes":null,"problems":[]}
\$ qvm-remove --force plain
\$ env -i qvm-backup-restore --quiet --jsonl -p secret $2plain.$1
{"name":"plain","restored_as":"plain","verdict":"restored","stays":true,"problem":null}
plain is as it was, and its volumes: private
END
}

filtered_all() {
	local filter
	for filter in gzip pigz zstd bzip2 xz; do filtered "$filter" ''; done
	# The header may not ask for this one.
	filtered lz4 '-Z lz4 '
}

# run_script OPTION FUNCTION: the script says what the function says.
run_script() { expect 0 "'$ROOT/tests/lab/backup.sh' $1 </dev/null" "$($2)"$'\n' ''; }

@test "five qubes, by a profile, to a file" {
	run_script '' to_file
}

@test "the same, to a qube that is real and from there" {
	local why
	why=$(sandbox_probe) || skip "$why"
	run_script --qube to_qube
}

@test "one qube with each program that compresses, from the environment of cron" {
	run_script --filters filtered_all
}
