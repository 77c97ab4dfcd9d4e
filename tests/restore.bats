#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-backup-restore with the daemon: what was saved comes back, byte by byte (backup-policy-clock 3).

load lib/common
load lib/restore

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	restore_fixture r.yaml
	mkdir home && export HOME=$PWD/home
}

EVERYTHING='work vault alone online dvm named own'

remember() { local q; for q; do seen "$q" >"$q.was"; done; }
same() { local q; for q; do seen "$q" | diff "$q.was" - || return; done; }
remove() { local q; for q; do expect 0 "raw admin.vm.Remove $q" $'0\\0\n' || return; done; }

@test "seven qubes come back as they were, from a profile's backup" {
	start_daemon r.yaml --scrypt-logn 10
	mkdir to && echo secret >secret
	profile p <<<"{include: [work, vault, alone, online, dvm, named, own], destination_vm: dom0, destination_path: $PWD/to, passphrase_text: secret}"
	qvm-backup -q -y --profile p >/dev/null
	mv to/* backup
	remember $EVERYTHING
	run restore --verify-only backup
	assert_success
	remove named dvm online work vault alone own
	expect 0 'restore backup 2>/dev/null' "\
The following VMs are included in the backup:

--------+--------------+----------+-------+--------+
   name |         type | template | netvm |  label |
--------+--------------+----------+-------+--------+
  alone | StandaloneVM |      n/a |     - |    red |
    dvm |        AppVM |     tmpl |   net |    red |
  named |       DispVM |      dvm |     - |    red |
 online |        AppVM |      own |   net | purple |
    own |   TemplateVM |      n/a |     - |    red |
  vault |        AppVM |     tmpl |     - |  green |
   work |        AppVM |     tmpl |     - |    red |

"
	same $EVERYTHING
}
