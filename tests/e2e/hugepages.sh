#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# With hugepages it uses them, without it says so in one line and works on ordinary pages;
# either way it leaves no hugepage file. The machine's number of hugepages is put back.
#
#   clients --.
#              [ switch ]--- mx1 10.25.0.11
#   lb -------'
. "$(dirname "$0")/../lib/e2e.sh"

readonly PAGES=/proc/sys/vm/nr_hugepages
readonly WANTED_PAGES=512

free_pages()
{
	awk '$1 == "HugePages_Free:" { print $2 }' /proc/meminfo
}

hugepage_files()
{
	awk '$3 == "hugetlbfs" { print $2 }' /proc/mounts | xargs -r -I{} find {} -type f
}

has_free_pages()
{
	[ "$(free_pages)" -ge "$WANTED_PAGES" ]
}

put_back()
{
	echo "$pages_before" >"$PAGES"
}

# works_and_leaves_nothing TEXT
works_and_leaves_nothing()
{
	check "$1: the server is healthy" wait_until 20 backend_is mx1 up
	check "$1: mail passes" connection_is greeted
	check "$1: it stops when told" balancer_stop
	check "$1: no hugepage file is left" equal "$(hugepage_files)" "$files_before"
}

e2e_begin hugepages 1
pages_before=$(cat $PAGES)
files_before=$(hugepage_files)
WORLD_AT_END=put_back

echo 0 >$PAGES
need 'without hugepages it starts' balancer_start
check 'it says so, in one line' equal "$(grep -c 'ordinary pages' "$WORLD/lb/mailraild.log")" 1
works_and_leaves_nothing 'without hugepages'

: >"$WORLD/lb/mailraild.log"
echo $WANTED_PAGES >$PAGES
need "$WANTED_PAGES hugepages are there" wait_until 10 has_free_pages
need 'with hugepages it starts' balancer_start
check 'it says nothing of ordinary pages' not grep 'ordinary pages' "$WORLD/lb/mailraild.log"
check 'it uses some' test "$(free_pages)" -lt $WANTED_PAGES
works_and_leaves_nothing 'with hugepages'
check 'it gave them back' wait_until 5 has_free_pages

e2e_end
