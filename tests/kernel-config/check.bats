#!/usr/bin/env bats
# kernel-config/check: is every option asked for in the final configuration?

setup() {
    check="$BATS_TEST_DIRNAME/../../kernel-config/check"
    cd "$BATS_TEST_TMPDIR"
    cat > final <<'END'
# Linux/x86 6.12 Kernel Configuration
CONFIG_SMP=y
CONFIG_NR_CPUS=32
CONFIG_LSM="landlock"
CONFIG_PHYSICAL_START=0x1000000
# CONFIG_MODULES is not set
END
}

# asks LINE...: runs the check on a fragment of these lines.
asks() {
    printf '%s\n' "$@" > fragment
    run "$check" final fragment
}

@test "usage error without a fragment" {
    run "$check" final
    [ "$status" -eq 2 ]
    [[ "$output" == usage:* ]]
}

@test "usage error for a file that does not exist" {
    run "$check" final no-such-fragment
    [ "$status" -eq 2 ]
    [[ "$output" == *"cannot read no-such-fragment"* ]]
}

@test "usage error for a folder in place of a configuration" {
    asks CONFIG_SMP=y
    run "$check" "$BATS_TEST_TMPDIR" fragment
    [ "$status" -eq 2 ]
}

@test "an empty final configuration has nothing that is asked for" {
    : > final
    asks CONFIG_SMP=y
    [ "$status" -eq 1 ]
    [[ "$output" == *"CONFIG_SMP asked for as y, is not set"* ]]
}

@test "fragments that ask for nothing are an error" {
    asks '# just a comment'
    [ "$status" -eq 1 ]
    [[ "$output" == *"ask for nothing"* ]]
}

@test "a line that is no option and no comment is an error" {
    asks CONFIG_SMP=y 'CONFIG_SMP y'
    [ "$status" -eq 1 ]
    [[ "$output" == *"fragment:2: not understood: CONFIG_SMP y"* ]]
}

@test "an option commented out the wrong way is an error" {
    asks CONFIG_SMP=y '#CONFIG_MODULES is not set'
    [ "$status" -eq 1 ]
    [[ "$output" == *"fragment:2: not understood"* ]]
}

@test "an option asked for twice is an error, also across fragments" {
    echo CONFIG_SMP=y > first
    echo CONFIG_SMP=y > second
    run "$check" final first second
    [ "$status" -eq 1 ]
    [[ "$output" == *"second:1: CONFIG_SMP already asked for in first:1"* ]]
}

@test "an option that the final configuration does not mention" {
    asks CONFIG_NO_SUCH_OPTION=y
    [ "$status" -eq 1 ]
    [[ "$output" == *"fragment:1: CONFIG_NO_SUCH_OPTION asked for as y, is not set"* ]]
}

@test "an option that is switched off in the final configuration" {
    asks CONFIG_MODULES=y
    [ "$status" -eq 1 ]
    [[ "$output" == *"CONFIG_MODULES asked for as y, is not set"* ]]
}

@test "an option that must be off and is on" {
    asks '# CONFIG_SMP is not set'
    [ "$status" -eq 1 ]
    [[ "$output" == *"CONFIG_SMP asked for as not set, is y"* ]]
}

@test "numbers, strings and addresses are compared as written" {
    asks CONFIG_NR_CPUS=3 'CONFIG_LSM="landlock,yama"' CONFIG_PHYSICAL_START=0x100000
    [ "$status" -eq 1 ]
    [[ "$output" == *"CONFIG_NR_CPUS asked for as 3, is 32"* ]]
    [[ "$output" == *'CONFIG_LSM asked for as "landlock,yama", is "landlock"'* ]]
    [[ "$output" == *"CONFIG_PHYSICAL_START asked for as 0x100000, is 0x1000000"* ]]
}

@test "an option whose name begins like another one is not taken for it" {
    asks CONFIG_SM=y
    [ "$status" -eq 1 ]
}

@test "each missing option of each fragment is listed" {
    echo CONFIG_A=y > first
    printf 'CONFIG_SMP=y\nCONFIG_B=y\n' > second
    run "$check" final first second
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 2 ]
    [[ "${lines[0]}" == *first:1:*CONFIG_A* ]]
    [[ "${lines[1]}" == *second:2:*CONFIG_B* ]]
}

@test "accepts fragments that are met, and says nothing" {
    asks '# Why this is so.' '' CONFIG_SMP=y CONFIG_NR_CPUS=32 'CONFIG_LSM="landlock"' '# CONFIG_MODULES is not set'
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "an option that is absent altogether counts as not set" {
    asks '# CONFIG_PCI is not set' CONFIG_ACPI=n
    [ "$status" -eq 0 ]
}

@test "trailing blanks and carriage returns do not matter" {
    printf 'CONFIG_SMP=y  \r\n' > fragment
    run "$check" final fragment
    [ "$status" -eq 0 ]
}

@test "the project's own fragments ask for no option twice and are all understood" {
    : > final
    run "$check" final "$BATS_TEST_DIRNAME"/../../kernel-config/fragments/*.config
    [ "$status" -eq 1 ]
    [[ "$output" != *"already asked for"* ]]
    [[ "$output" != *"not understood"* ]]
}
