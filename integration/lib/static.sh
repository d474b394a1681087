# Static analysis of the product's sources, as a build compiles them. Needs lib/tally.sh and repo_dir.
# shellcheck shell=bash disable=SC2154

# check_statically BUILD_DIR DIRECTORY…: cppcheck of everything (seconds), clang-tidy of what lies in the directories (some seconds a
# file).
check_statically() {
    local build=$1
    shift
    test_step "cppcheck" cppcheck --project="$build/compile_commands.json" -i "$repo_dir/tests" --suppress='*:/usr/*' --inline-suppr \
        --enable=warning,performance,portability --error-exitcode=1 --quiet -j "$(nproc)" || true
    test_step "clang-tidy $*" tidy "$build" "$@" || true
}

tidy() {
    local build=$1
    shift
    (cd "$repo_dir" && find "$@" -name '*.cpp' -print0 | sort -z |
        xargs -0 -P "$(nproc)" -n 4 clang-tidy -p "$build" --quiet --warnings-as-errors='*' 2> >(grep -v 'warnings generated' >&2))
}
