# bert-report: what is on the page is what is in the streams, and nothing in them gets out of its place. That no request leaves
# the page is seen in a browser by tests/parity/report-page.py.

load streams
load bert

setup_file() {
    command -v gnuplot >/dev/null || return 0
    make_tokens
    cd "$WORK" || exit 1
    bert-train -q -m "$MODEL" -o model -e test.mp -n 3 -b 2 -w 2 -l 0.001 --logging-steps 1 --save-strategy no --no-load-best-model-at-end train.mp >metrics.mp
    rec-load -q --from tsv reviews.tsv | wp-tokenize -q -k -m model | bert-predict -q -m model >predictions.mp
}

setup() {
    command -v gnuplot >/dev/null || skip "gnuplot is not installed"
    cd "$BATS_TEST_TMPDIR"
}

# The page's text without tags, spaces as they are.
text_of() {
    python3 -c '
import html.parser, sys
class Text(html.parser.HTMLParser):
    skip = False
    def handle_starttag(self, tag, attributes): self.skip = tag in ("style", "title")
    def handle_data(self, data):
        if not self.skip and data.strip(): print(" ".join(data.split()))
Text().feed(open(sys.argv[1]).read())' "$1"
}

# A metrics stream of the values of JSON lines.
metrics_of() {
    PYTHONPATH=$STREAM_FIXTURES python3 -c '
import json, sys
from msgstream import segment
rows = [{"step": i + 1, "epoch": (i + 1) / 4, "split": "train", "time": 1.0, "values": json.loads(line)} for i, line in enumerate(sys.stdin)]
sys.stdout.buffer.write(segment({"type": "metrics", "history": []}, rows))'
}

@test "manners" {
    has_manners bert-report
}

@test "a whole report: scores are those of bert-eval, mistakes those of the stream" {
    succeeds bert-report -q -o page.html "$WORK/metrics.mp" "$WORK/predictions.mp" "$WORK/train.mp"
    text_of page.html >text
    bert-eval -q -f json "$WORK/predictions.mp" | tr -d '\n' >report
    accuracy=$(json '"%.4g" % rows[0]["accuracy"]' <report)
    grep -qxF -- "$accuracy" text
    grep -qxF -- "$(json '"%.4g" % rows[0]["loss"]' <report)" text
    wrong=$(rec-dump "$WORK/predictions.mp" | json 'sum(r["label"] != r["gold"] for r in rows)')
    [ "$(grep -c '<li' page.html)" -ge "$wrong" ]
    [ "$wrong" -gt 0 ]
    rec-dump "$WORK/predictions.mp" | json '"\n".join(r["text"] for r in rows if r["label"] != r["gold"])' >mistakes
    while read -r line; do
        grep -qF -- "${line:0:30}" text || { echo "not there: $line"; false; }
    done <mistakes
    [ "$(grep -c '<svg' page.html)" -ge 7 ]
}

@test "nothing on the page asks for anything else" {
    bert-report -q -o page.html "$WORK/metrics.mp" "$WORK/predictions.mp"
    grep -q "Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'" page.html
    run grep -oiE '<(script|link|iframe|object|embed|img|image|base|form)|src=|@import|url\(["'"'"']?[^#)"'"'"']|href="[^#]' page.html
    [ "$status" -eq 1 ] || { echo "$output"; false; }
    run grep -oE '(https?:)?//[a-z0-9.]+' page.html
    # the names of SVG's vocabularies are no addresses
    [ -z "$(printf '%s\n' "$output" | grep -v '//www.w3.org$')" ] || { echo "$output"; false; }
    python3 -c 'import html.parser; html.parser.HTMLParser().feed(open("page.html").read())'
}

@test "texts and names of strangers are shown, never obeyed" {
    printf 'label\ttext\n%s\n%s\n' '<b>"bad"&</b>	</div><script>alert(1)</script><img src=http://127.0.0.1/x>' "good'; system \"touch owned\"; #	a film" |
        rec-load -q -F tsv | wp-tokenize -q -k -m "$MODEL" >odd.mp
    bert-train -q -m "$MODEL" -o odd -n 1 -w 0 --save-strategy no odd.mp >odd-metrics.mp
    # predictions that are all wrong, so that both are on the page
    bert-predict -q -m odd odd.mp | rec-dump --header | PYTHONPATH=$STREAM_FIXTURES python3 -c '
import json, sys
from msgstream import segment
header, *records = map(json.loads, sys.stdin)
for r in records:
    r["gold"] = 1 - r["label"]
sys.stdout.buffer.write(segment(header["bertpipe"], records))' >wrong.mp
    succeeds bert-report -q --title '<i>title</i>' -o page.html odd-metrics.mp wrong.mp
    [ ! -e owned ]
    run grep -ciE '<script|<img|<b>|<i>' page.html
    [ "$output" = 0 ]
    text_of page.html >text
    grep -qF '<script>alert(1)</script><img src=http://127.0.0.1/x>' text
    grep -qF '<b>"bad"&</b>' text
    grep -qF '<i>title</i>' text
}

@test "names that gnuplot would read are drawn as they are" {
    printf '%s\n' 'label	text' '100%	a bad film' 'x%y	a great film' '%g	the plot' "'it''s'	acting" '50% off	fine' | rec-load -q -F tsv |
        wp-tokenize -q -k -m "$MODEL" >odd.mp
    bert-train -q -m "$MODEL" -o odd -n 3 -b 2 -w 0 --logging-steps 1 --save-strategy no odd.mp >"'run.mp"
    cp "'run.mp" "a''b%g @c.mp"
    bert-predict -q -m odd -o predictions.mp odd.mp
    succeeds bert-report -q --svg charts -o page.html predictions.mp "'run.mp" "a''b%g @c.mp"
    for name in '100%' 'x%y' '%g' "'it''s'" '50% off'; do
        [ "$(grep -cF -- "<text>$name</text>" charts/confusion.svg)" -eq 2 ] || { echo "$name"; false; }
    done
    for name in "'run" "a''b%g @c"; do
        grep -qF -- "<text>$name</text>" charts/learning-rate.svg || { echo "$name"; ls charts; false; }
    done
}

@test "each stream alone, and what is missing is left out" {
    succeeds bert-report -q -o metrics.html "$WORK/metrics.mp"
    succeeds bert-report -q -o predictions.html "$WORK/predictions.mp"
    succeeds bert-report -q -o tokens.html "$WORK/train.mp"
    text_of metrics.html | grep -q 'Learning rate'
    ! text_of metrics.html | grep -q 'Confusion matrix'
    text_of predictions.html | grep -q 'Confusion matrix'
    ! text_of predictions.html | grep -q 'Learning rate'
    cat "$WORK/metrics.mp" "$WORK/predictions.mp" | bert-report -q >both.html
    text_of both.html | grep -q 'Confusion matrix'
}

@test "values that are no numbers, one step, two runs" {
    printf '{"loss": NaN, "grad_norm": Infinity, "learning_rate": 0.1}\n{"loss": 0.5, "grad_norm": 1, "learning_rate": 0.1}\n' | metrics_of >nan.mp
    succeeds bert-report -q -o nan.html nan.mp
    printf '{"loss": 0.5}\n' | metrics_of >one.mp
    succeeds bert-report -q -o one.html one.mp
    printf '{"loss": NaN}\n' | metrics_of >none.mp
    run --separate-stderr bert-report -q -o none.html none.mp
    [ "$status" -eq 0 ] || [ "${#stderr_lines[@]}" -eq 1 ]
    succeeds bert-report -q -o two.html nan.mp one.mp
    text_of two.html | grep -q '^2 runs'
}

@test "pictures: SVG is XML, PNG has its signature, and the same input gives the same bytes" {
    for name in a b; do
        succeeds bert-report -q -o $name.html --svg $name-svg --png $name-png "$WORK/metrics.mp" "$WORK/predictions.mp"
    done
    cmp a.html b.html
    diff -r a-svg b-svg
    [ "$(ls a-svg | sed 's/svg$/png/')" = "$(ls a-png)" ]
    for file in a-svg/*.svg; do
        python3 -c 'import sys, xml.etree.ElementTree as e; assert e.parse(sys.argv[1]).getroot().tag == "{http://www.w3.org/2000/svg}svg"' "$file"
    done
    for file in a-png/*.png; do
        [ "$(head -c 8 "$file" | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ]
    done
}

@test "page and pictures appear together or not at all" {
    succeeds bert-report -q -o page.html --svg charts "$WORK/predictions.mp"
    cp -r charts before
    cp page.html before.html
    last=$(ls charts | tail -n 1)
    # the other run's are other pictures, and one of them has no place to go
    rm "charts/$last" "before/$last"
    mkdir "charts/$last" "before/$last"
    rec-head -q -n 5 "$WORK/predictions.mp" >fewer.mp
    fails_with "bert-report: charts/$last*" bert-report -q -o page.html --svg charts fewer.mp
    diff -r before charts
    cmp before.html page.html
    fails_with "bert-report: charts/$last*" bert-report -q -o new.html --png new --svg charts fewer.mp
    [ ! -e new.html ] && [ ! -e new ]
    # the page in a chart's place
    mkdir same
    run --separate-stderr bert-report -q -o same/confusion.svg --svg same fewer.mp
    [ "$status" -eq 2 ] && [ "${stderr_lines[0]}" = "bert-report: 'same/confusion.svg' and 'same/confusion.svg' are the same file" ]
    [ -z "$(ls -A same)" ]
}

@test "bad input: nothing, a damaged stream, no gnuplot, a full disk" {
    fails_with "bert-report: *" bert-report -q -o page.html /dev/null
    head -c 300 "$WORK/metrics.mp" >cut.mp
    fails_with "bert-report: cut.mp*" bert-report -q -o page.html cut.mp
    fails_with "bert-report: *" bert-report -q -o page.html "$WORK/../missing.mp"
    mkdir bin
    ln -s "$(command -v bert-report)" bin/
    fails_with "bert-report: gnuplot is not installed (Debian's package is gnuplot-nox)" env PATH="$PWD/bin" bert-report -q -o page.html "$WORK/metrics.mp"
    [ ! -e page.html ]
    run --separate-stderr sh -c 'bert-report -q "$1" >/dev/full' - "$WORK/metrics.mp"
    [ "$status" -eq 1 ] && [ "$stderr" = "bert-report: standard output: cannot write: No space left on device" ]
}
