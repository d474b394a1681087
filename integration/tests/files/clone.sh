# Makes a repository with fixed dates, clones it locally, and shows that the clone is whole.
set -e
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='2024-01-01T00:00:00Z' GIT_COMMITTER_DATE='2024-01-01T00:00:00Z'
mkdir /tmp/origin && cd /tmp/origin
git init -q -b main .
for n in $(seq 1 20); do
    mkdir -p "dir$((n % 4))"
    seq 1 $((n * 50)) >"dir$((n % 4))/file$n"
    git add . && git commit -q -m "commit $n"
done
git gc -q
git clone -q --no-hardlinks /tmp/origin /tmp/clone
cd /tmp/clone
git fsck --full
git log --format=%H | head -n 3
git status --short
git ls-files -s | sha256sum
