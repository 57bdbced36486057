"""Bad inputs of all commands: each is refused with a message, at once, and nothing is started or waited for."""

import os
import re
import shlex
import subprocess
import sys
from multiprocessing import TimeoutError
from multiprocessing.pool import AsyncResult
from pathlib import Path
from typing import NamedTuple

import pytest
from forked import forge, forks

from tests.commands import commands

FORGE = Path(sys.executable).with_name("forge")
HAND = "6-4,5-5,4-2,3-1,2-0,1-1,0-0"
NO_SERVER = "http://127.0.0.1:9/api"
"""Nobody answers there: what is not refused before a server is needed ends with the words `no answer`."""

TABLE = """
generate --set "states_per_deal=["
generate --output @text --count 1
generate --output /dev/null --count 1
generate --output /proc/forge --count 1
generate --output /tmp/LONG --count 1
generate --count 10000000000000000000000
generate --output @BYTES --count 1
tokenize --input @void
tokenize --input @text
tokenize --input @void --output @text
train --data @void
train --data @text
train --data @tokens
train --fast-dev-run --initial @model
train --fast-dev-run --initial @text
train --fast-dev-run --initial nobody --kind policy
train --fast-dev-run --output @text
evaluate --checkpoint @empty
evaluate --checkpoint @text
evaluate --checkpoint @void
evaluate --checkpoint @cut.onnx
evaluate --checkpoint @cut.ckpt
evaluate --checkpoint @model
evaluate --checkpoint champion --data @void
evaluate --checkpoint champion --data @tokens
promote @text
promote @model
promote @void
export --checkpoint @text
export --checkpoint @model
export --checkpoint champion
export --checkpoint champion --data @void
export --checkpoint champion --data @tokens
export --checkpoint champion --samples 0
export --checkpoint champion --output @text
backfill
backfill --end 0
backfill --end 5 --start 9
backfill --end 9223372036854775809
backfill --end 5 --block 0
backfill --end 5 --output @text
backfill --end 5 --make games --oracle @void
backfill --end 5 --make cakes
backfill --end 5 --at-once 0
pipeline --preset nothing
pipeline --set nope=1
pipeline --set deals=5
pipeline --on modal:X
pipeline --set train.epochs=-1
advise --declaration sixes --hand ""
advise --declaration nines --hand HAND
advise --declaration sixes --hand HAND --seat 4
advise --declaration sixes --hand HAND --leader -1
advise --declaration sixes --hand HAND --plays "6-4"
advise --declaration sixes --hand HAND --plays "x"
advise --declaration sixes --hand HAND --worlds 0
advise --declaration sixes --hand HAND --worlds many
advise --declaration sixes --hand HAND --bid 29
advise --declaration sixes --hand HAND --oracle @text
advise --declaration sixes --hand HAND --oracle @cut.onnx
advise --declaration sixes --hand HAND --oracle @void
arena
arena random
arena nobody random
arena pimc:worlds=0 random
arena pimc:nope=1 random
arena random highest --deals 0
arena random highest --deals -1
arena random highest --start-seed BIG
arena random highest --bid 43
arena random highest --declare nobody
arena random highest --deals 2 --record @text
arena random highest --deals 2 --sprt 0.5
arena random highest --deals 2 --sprt 2:3
arena random highest --games 0
arena random highest --games 2 --bidders fixed:99
arena random highest --games 2 --bidders a,b,c
arena model:@text random --deals 2
arena random highest --deals 2 --matrix --games 2
bid
bid --hand 6-6
bid --hand HAND --declaration nines
bid --hand HAND --samples 0
bid --hand HAND --samples -1
bid --hand HAND --playouts -1
bid --hand HAND --play-for 50
bid --hand HAND --seat-model nobody
bid --hand HAND --score 9-9
bid --hand HAND --score x
bid --hand HAND --bids 30,29
bid --hand HAND --dealer 7
bid --hand HAND --others-make 2
bid --hand HAND --seed -1
bid --hand HAND --seed BIG
bid --hand HAND --poster @text --samples 2 --playouts 0
bid --hand HAND --poster @void/x.gif --samples 2 --playouts 0
bid --hand HAND --poster /proc/x.pdf --samples 2 --playouts 0
bid why --hand HAND --declaration sixes --below 60
bid why --hand HAND --declaration sixes --playouts 0
bid why --hand HAND --declaration sixes --show -1
bid generate --output @text --count 1 --samples 2
bid generate --output @newbids --count 0
bid generate --output @newbids --start-seed -1
bid collate @void --output @bids.parquet
bid collate @bids --output @bids.parquet
bid collate @nothing --output @bids.parquet
eq generate --n-worlds 0
eq generate --oracle @text
eq generate --oracle @void
eq generate --objective nothing
eq generate --count -1
eq generate --start-seed BIG
eq generate --bid 99
eq generate --epsilon 2
eq generate --temperature -1
eq generate --adaptive --min-samples 0
eq generate --output @text
eq view @text
eq view @cut.pt
eq view @void
eq view @nothing
eq view @cut.pt --play 0
eq collate @void --output @g.parquet
eq collate @games --output @g.parquet
eq collate @nothing --output @g.parquet
shard show @text
shard show @cut.parquet
shard show @void
shard show @nothing
store ls --limit -1
store gc --days -1
store gc --keep @nothing
store gc --days nan
import @nothing
import @text --output /dev/null
import @cut.json
import @bytes.csv
import @empty
import @void
import @text
review @cut.json
review @bytes.csv
review @nothing
review @cut.json --n-worlds 0
modal stop
modal download --output @text
modal download --output @void --split middle
ui nobody
nonsense
--nonsense
FORGE_THREADS=abc config
FORGE_STORE=s3:// store ls
FORGE_STORE=/dev/null store ls
FORGE_HOME=/dev/null store ls
FORGE_HOME=/dev/null evaluate --checkpoint champion
FORGE_MODELS=/dev/null models
FORGE_MODELS=@text evaluate --checkpoint champion
PREFECT_API_URL=nonsense status
solve --seed -1
solve --seed BIG
solve --seed x
solve --declaration nines
solve --hand 6-6
solve --hand "6-6,6-6,6-4,6-2,6-1,6-0,2-2"
solve --opponent-seed -1
generate --start-seed -1
generate --start-seed BIG
generate --count 0
generate --mode sideways
generate --keep nothing
generate --strategy uniform=0
generate --device tpu
generate --states-per-deal 0
generate --set nope=1
generate --set states_per_deal
generate --limit 0
generate --continuous --dry-run
generate --mode marginalized --opponent-seeds 0
generate --on nowhere
generate --on modal:H900
generate --budget 5
generate --on modal --budget -1
tokenize --input @nothing
tokenize --input @void --samples-per-shard 0
train
train --data @nothing
train --fast-dev-run --network gpt
train --fast-dev-run --epochs 0
train --fast-dev-run --learning-rate nan
train --fast-dev-run --seed BIG
train --fast-dev-run --devices 0
train --source stream --initial nobody
evaluate --checkpoint @nothing
evaluate --checkpoint champion --set seeds=-1
evaluate --checkpoint champion --split train
table --port 70000
table --port x
table --port -1
table --seed 5
table champion
table --output @text
table --output /dev/null
table --output /proc/forge
table --output /tmp/LONG
deploy now
doctor cpu
down prefect
status all
config nope
models nope
modal cost H900
modal status all
store verify @void
up --pool ""
up --pool ../x
up --pool a/b
up nonsense
publish data @nothing --output @out
publish data @text --output @out
publish data @games --kind games --output @out
publish data @void --kind cakes --output @out
publish data @tokens --kind tokens --output @out
publish data @void --kind shards --output @text
publish data
arena random highest --deals 2 --record /dev/null
arena random highest --deals 2 --record /proc/forge
arena random highest --deals 2 --sprt x:y
arena random highest --deals 2 --sprt nan:1
arena random highest highest --deals 2
arena random highest --start-seed -1 --deals 2
arena random highest --deals 10000000000000000000
arena random highest --deals 2 --declare 11
arena "command:/nonexistent/program" random --deals 2
arena "command:" random --deals 2
bid generate --output @newbids --start-seed BIG
bid generate --output @newbids --count 1 --samples 0
bid generate --output @newbids --count 1 --playouts -1
bid generate --output @newbids --count 1 --seat-model nobody
bid generate --output @newbids --count 1 --set nope=1
bid generate --output @newbids --count 1 --set samples=x
bid generate --output @newbids --count 1 --limit -1
bid generate --output /dev/null --count 1
bid generate --on modal:H100 --budget 0
bid generate --on modal --retries -1
bid collate @text --output @bids.parquet
bid collate @bids --output /dev/null
eq generate --posterior-tau 0
eq generate --posterior-mix 2
eq generate --posterior-window -1
eq generate --posterior --posterior-tau nan
eq generate --adaptive --sem-threshold -1
eq generate --adaptive --min-samples 9 --max-samples 3
eq generate --exploration sideways
eq generate --epsilon nan
eq generate --temperature 0
eq generate --n-worlds 10000000000000000000000
eq generate --limit 0
eq generate --oracle hybrid
eq generate --oracle @cut.onnx
eq generate --output /dev/null --count 1
eq generate --continuous --dry-run
eq generate --on modal --time-limit 0
eq view @cut.pt --play 29
eq view @cut.pt --html @void
eq view @cut.pt --svg @void
eq view
eq collate @text --output @g.parquet
eq collate @games --output /dev/null
shard show @cut.parquet --states -1
shard show /dev/null
import @cut.json --output @void
promote champion --set nope=1
train --fast-dev-run --size -1
train --fast-dev-run --batch-size 0
train --fast-dev-run --batch-size 1000000000000000000000
train --fast-dev-run --precision 7
train --fast-dev-run --strategy sideways
train --fast-dev-run --source nowhere
train --fast-dev-run --learning-rate -1
train --fast-dev-run --learning-rate inf
train --on modal --max-containers 0
pipeline --set deals=[]
pipeline --set "deals=[{start: -1, count: 1}]"
pipeline --set "deals=[{start: 0, count: 9223372036854775808}]"
pipeline --set games.count=x
pipeline --set match.players=[nobody,random]
pipeline --set train=5
pipeline --set =1
review @cut.json --html @void
review /dev/null
export --checkpoint champion --samples BIG
export --checkpoint champion --output /dev/null
evaluate --checkpoint /dev/null
evaluate --checkpoint @BYTES
evaluate --checkpoint ""
evaluate --checkpoint ..
evaluate --checkpoint ../champion
advise --declaration sixes --hand HAND --seat x
advise --declaration sixes --hand "6-4,6-4,4-2,3-1,2-0,1-1,0-0"
advise --declaration 10 --hand HAND
advise --declaration sixes --hand HAND --plays "6-6,6-6"
advise --declaration sixes --hand HAND --worlds -1
advise --declaration sixes --hand HAND --worlds BIG
solve --hand "" --seed 1
solve --seed 1.5
solve --seed ""
tokenize --input @void --set nope=1
tokenize --input /dev/null
backfill --end 5 --make bids --set samples=0
backfill --end 5 --where nowhere
backfill --end 5 --output /dev/null
backfill --end 5 --limit -1
backfill --end x
FORGE_HOME=@BYTES config
FORGE_THREADS=99999999999999999999 config
FORGE_MLFLOW_URI=nonsense train --fast-dev-run
FORGE_STORE=ftp://x store ls
FORGE_HOME=@BYTES store ls
FORGE_STORE=@BYTES config
FORGE_STORE=ftp://x evaluate --checkpoint champion
FORGE_MLFLOW_URI=nonsense config
publish data @void --kind bids --output @out
publish data @bids --kind bids --output @out
publish data @text --kind games --output @out
arena random highest --deals 20 --sprt 0.5:0.5
arena random highest --deals 2 --games 2 --sprt 0.5:0.6
arena model:nobody random --deals 2
arena model: random --deals 2
table --port 0 --output @text
arena random highest --deals 2 --record @BYTES
"""
"""A command a line, after the variables that it gets. @x = the file x of `ground`; HAND a good hand; BIG 2^63; LONG a
name of 300 characters; BYTES one that is not UTF-8."""

CASES = TABLE.strip().splitlines()


class Answer(NamedTuple):
    """How a command ended; `made` is what it left in its home."""

    code: int
    out: str
    err: str
    made: list[str]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files and folders that are not what a command needs."""
    ground = tmp_path_factory.mktemp("ground")
    (ground / "void").mkdir()
    contents = {
        "empty": b"",
        "text": b"no model, no data\n",
        "cut.onnx": b"\x08\x07\x12",
        "cut.ckpt": b"PK\x03\x04",
        "cut.pt": b"PK\x03\x04",
        "cut.parquet": b"PAR1",
        "cut.json": b"{",
        "bytes.csv": b"\xff\xfe\x00",
        "model/config.json": b"{}",
        "model/model.safetensors": b"x",
        "tokens/manifest.json": b"[",
        "games/train/seed_00000000.pt": b"PK",
        "games/train/else.pt": b"PK",
        "bids/train/seed_00000000.parquet": b"PAR1",
    }
    for name, content in contents.items():
        (ground / name).parent.mkdir(parents=True, exist_ok=True)
        (ground / name).write_bytes(content)
    return ground


def _words(line: str, ground: Path) -> tuple[list[str], dict[str, str]]:
    texts = {"@": f"{ground}/", "HAND": HAND, "BIG": str(2**63), "LONG": "x" * 300, "BYTES": os.fsdecode(b"\xff")}
    words = [re.sub("|".join(texts), lambda found: texts[found[0]], word) for word in shlex.split(line)]
    given = [word for word in words if re.match("[A-Z_]+=", word)]
    return [word for word in words if word not in given], dict(word.split("=", 1) for word in given)


@pytest.fixture(scope="module")
def answers(ground: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    folder = tmp_path_factory.mktemp("homes")
    outer = {name: text for name, text in os.environ.items() if not name.startswith(("FORGE_", "PREFECT_"))}
    homes = {line: folder / str(number) / "home" for number, line in enumerate(CASES)}
    with forks(at_once=4) as pool:
        runs = {}
        for line, home in homes.items():
            words, given = _words(line, ground)
            given = {**outer, "FORGE_HOME": str(home), "PREFECT_API_URL": NO_SERVER, **given}
            home.parent.mkdir()
            environment = {os.fsencode(name): os.fsencode(text) for name, text in given.items()}
            runs[line] = pool.apply_async(forge, ([os.fsencode(word) for word in words], environment, home.parent))
        return {line: _answer(run, homes[line]) for line, run in runs.items()}


def _answer(run: AsyncResult[int], home: Path) -> Answer:
    try:
        code = run.get(timeout=120)
    except TimeoutError:
        return Answer(0, "", "it went on for two minutes", [])
    out, err = ((home.parent / name).read_text("utf-8") for name in ("out", "err"))
    return Answer(code, out, err, [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()])


def test_the_table_holds_every_command() -> None:
    assert len(CASES) == len(set(CASES))
    lines = [re.sub("^[A-Z_]+=[^ ]* ", "", line) + " " for line in CASES]
    assert not [name for name, _ in commands() if not any(line.startswith(f"{name} ") for line in lines)]


STARTING = [
    *("evaluate --checkpoint @text", "promote @text", "export --checkpoint @text", "eq generate --oracle @text"),
    *("generate --output /dev/null", "backfill --end 5 --output /dev/null", "bid generate --count 0"),
    *("tokenize --input @void", "train --data @void", "train --fast-dev-run --initial @text"),
    *("pipeline --preset nothing", "pipeline --set train.epochs=-1"),
]
"""Of every command that starts a Prefect server when there is none, a line that is refused first."""


@pytest.mark.parametrize("line", STARTING)
def test_bad_input_starts_no_server_and_takes_two_seconds(line: str, ground: Path, tmp_path: Path) -> None:
    """Seconds of the processor, up to twice as many as on a quiet machine: others may be at work on this one."""
    words, _ = _words(line, ground)
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("FORGE_", "PREFECT_"))}
    environment["FORGE_HOME"] = str(tmp_path / "home")
    with subprocess.Popen(
        [FORGE, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (1, 2), said
    assert "Starting the Prefect server" not in said
    assert not (tmp_path / "home").exists()
    assert used.ru_utime + used.ru_stime < 4


@pytest.mark.slow
@pytest.mark.parametrize("line", CASES)
def test_bad_input_is_refused_at_once(line: str, answers: dict[str, Answer]) -> None:
    answer = answers[line]
    assert answer.code in (1, 2), answer
    assert "Traceback" not in answer.err + answer.out
    last = answer.err.strip().splitlines()[-1]
    assert "Error" in last or "record" in last or "Invalid" in last, answer.err
    assert "Expected" in last or "Usage" in answer.err or ", " in last
    assert "no answer from the Prefect server" not in answer.err, "it was not checked before the server was asked"
    assert not answer.made
