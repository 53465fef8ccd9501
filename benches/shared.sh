# What the benchmarks of whole programs share: `source benches/shared.sh`, from the top of the tree, with `bench` set to a
# directory for their files. FREEZERD names a release build that is there already.
mkdir -p "$bench"
if [ -n "${FREEZERD:-}" ]; then
  freezerd=$FREEZERD
else
  cargo build --release --locked --quiet
  freezerd=$PWD/target/release/freezerd
fi
restic=$(tests/tools/restic-0.18)
export RESTIC_PASSWORD=bench
printf bench >"$bench/password" && chmod 600 "$bench/password"

# kernel_tree: the kernel tree of Debian, in $bench/kernel.
kernel_tree() {
  [ -d "$bench/kernel" ] && return
  (cd "$bench" && apt-get download linux-source-6.1 >/dev/null && dpkg-deb --extract linux-source-6.1*.deb package)
  mkdir "$bench/kernel.tmp"
  tar --extract --file "$bench"/package/usr/src/linux-source-6.1.tar.xz --directory "$bench/kernel.tmp"
  rm -rf "$bench/package" "$bench"/linux-source-6.1*.deb
  mv "$bench/kernel.tmp" "$bench/kernel"
}

# timed ROW TOOL COMMAND...: appends "seconds cpu-seconds megabytes" to the results.
results=$bench/results
timed() {
  local row=$1 tool=$2
  shift 2
  sync
  if ! command time --format '%e %U %S %M' --output "$bench/time" "$@" >"$bench/out" 2>&1; then
    printf 'FAILED: %s by %s:\n' "$row" "$tool" >&2
    tail --lines=5 "$bench/out" "$bench/time" >&2
    exit 1
  fi
  tail --lines=1 "$bench/time" | awk '{ print $1, $2 + $3, $4 / 1024 }' >>"$results/$row.$tool"
}

# once CONTAINER KEYS: the job for one action by freezerd, whose date has just passed. It runs as "${run_once[@]}".
once() {
  rm -rf "$bench/jobs" "$bench/state" && mkdir -m 755 "$bench/jobs"
  printf '{"job_schedule": {"schedule_date": "%s"}, "job_actions": [{"freezer_action": {%s, "container": "%s", "encrypt_pass_file": "%s"}}]}' \
    "$(date --date='-1 minute' --iso-8601=seconds)" "$2" "$1" "$bench/password" >"$bench/jobs/job.json"
}
run_once=("$freezerd" run --once --jobs-dir "$bench/jobs" --state-dir "$bench/state")

fresh() { rm -rf "$1" && sync; }

# show_results: a table of the medians, with what each tool needs of restic's time.
show_results() {
  python3 - "$results" <<'PYTHON'
import os, statistics, sys

results = sys.argv[1]
rows = {}
for name in sorted(os.listdir(results)):
    row, tool = name.split(".", 1)
    lines = [line.split() for line in open(os.path.join(results, name))]
    rows.setdefault(row, {})[tool] = [statistics.median(map(float, column)) for column in zip(*lines)]
print(f"{'work':18} {'tool':10} {'wall s':>8} {'CPU s':>8} {'peak MB':>8} {'/ restic':>8}")
for row, tools in rows.items():
    for tool, values in tools.items():
        if row.endswith("-size"):
            ratio = values[0] / tools["restic"][0]
            print(f"{row:18} {tool:10} {values[0]:5.0f} MB {'':17} {ratio:8.3f}")
            continue
        ratio = f"{values[0] / tools['restic'][0]:8.2f}" if "restic" in tools else ""
        print(f"{row:18} {tool:10} {values[0]:8.2f} {values[1]:8.2f} {values[2]:8.0f} {ratio}")
PYTHON
}
