#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The tour of "make demo": each command is printed before its output. Runs inside qvm-lab.
set -e
step() {
	printf '\n$ %s\n' "$*"
	sh -c "$*"
}

echo 'A system of qubes, as a fresh installation has it, served by qvmd on this machine:'
step qvm-ls
step "qvm-ls --tree -O name,netvm,ip"
step "qvm-ls --running --json"
step "qvm-prefs work netvm"
step "qvm-prefs work memory 600"
step "qvm-prefs work | grep -w -e memory -e netvm"
step "qvm-prefs --default work memory"
step "qvm-prefs --json work memory"
step "qvm-features fedora-42-xfce os"
step "qvm-service --enable work cups && qvm-service work"
step "qvm-tags work add office && qvm-tags work"
step "qvm-create --class AppVM --label green demo-qube"
step "qvm-tags demo-qube add office"
step "qvm-start demo-qube && qvm-check --running demo-qube"
step "qvm-ls --where tag=office -O name,state,label,netvm"
step "qvm-shutdown --wait demo-qube"
step "qvm-remove --force demo-qube"
step "qvm-prefs --calls work label"
echo
echo 'Nothing of this is left behind. "qvm-lab" alone gives a shell in such a system.'
