# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Builds. Directories are build*/ inside the project, which git ignores.

# build_configure DIRECTORY [MESON OPTION...]: sets it up, or changes its options. Afterwards it
# knows what meson.build says now.
build_configure()
{
	local directory=$1

	shift
	if [ ! -f "$directory/build.ninja" ]; then
		meson setup "$directory" "$PROJECT" "$@"
	else
		[ $# -eq 0 ] || meson configure "$directory" "$@"
		flock "$directory" ninja -C "$directory" build.ninja
	fi
}

# build_compile DIRECTORY [FILE...]: one at a time, whoever asks.
build_compile()
{
	flock "$1" ninja -C "$@"
}
