// Judge notes and proofs with Go's own packages: golang.org/x/mod/sumdb/note and tlog.
//
// Reads one JSON object a line, prints "ok" or "refused: why" for each. Cosignatures of witnesses
// (C2SP tlog-cosignature, type 4) are no part of those packages: their verifier stands here, made
// after the specification, and note.Open calls it as any other.
package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Note        string
	Signers     []string // keys that must have signed
	Witnesses   []string // keys that must have cosigned
	Leaves      [][]byte // contents of the first entries of the log, as many as the note says
	Record      int64    // an entry that must be included, by Inclusion
	Inclusion   [][]byte
	Old         int64 // size of an older tree, of OldRoot, that must be continued
	OldRoot     []byte
	Consistency [][]byte
}

type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(sig[:8])
	text := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, msg)
	return ed25519.Verify(c.key, []byte(text), sig[8:])
}

func newCosigner(text string) (note.Verifier, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("no key")
	}
	id, errID := hex.DecodeString(parts[1])
	raw, errKey := base64.StdEncoding.DecodeString(parts[2])
	if errID != nil || errKey != nil || len(raw) != 33 || raw[0] != 4 {
		return nil, errors.New("no key of a witness")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	if string(sum[:4]) != string(id) {
		return nil, errors.New("an id that does not fit")
	}
	return cosigner{parts[0], binary.BigEndian.Uint32(id), ed25519.PublicKey(raw[1:])}, nil
}

func hashes(raw [][]byte) ([]tlog.Hash, error) {
	made := make([]tlog.Hash, len(raw))
	for i, each := range raw {
		if len(each) != tlog.HashSize {
			return nil, errors.New("a hash of another length")
		}
		copy(made[i][:], each)
	}
	return made, nil
}

func open(q question) (string, error) {
	var known []note.Verifier
	for _, text := range q.Signers {
		v, err := note.NewVerifier(text)
		if err != nil {
			return "", err
		}
		known = append(known, v)
	}
	for _, text := range q.Witnesses {
		v, err := newCosigner(text)
		if err != nil {
			return "", err
		}
		known = append(known, v)
	}
	opened, err := note.Open([]byte(q.Note), note.VerifierList(known...))
	if err != nil {
		return "", err
	}
	if len(opened.Sigs) != len(known) {
		return "", fmt.Errorf("%d signatures of %d keys", len(opened.Sigs), len(known))
	}
	return opened.Text, nil
}

func rootOf(leaves [][]byte) (tlog.Hash, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		made := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			made[i] = stored[index]
		}
		return made, nil
	})
	for i, leaf := range leaves {
		added, err := tlog.StoredHashes(int64(i), leaf, reader)
		if err != nil {
			return tlog.Hash{}, err
		}
		stored = append(stored, added...)
	}
	return tlog.TreeHash(int64(len(leaves)), reader)
}

func judge(q question) error {
	text, err := open(q)
	if err != nil {
		return err
	}
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return errors.New("no checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return err
	}
	if size != int64(len(q.Leaves)) {
		return fmt.Errorf("size %d of %d entries", size, len(q.Leaves))
	}
	computed, err := rootOf(q.Leaves)
	if err != nil {
		return err
	}
	if computed != root {
		return errors.New("another root")
	}
	inclusion, err := hashes(q.Inclusion)
	if err != nil {
		return err
	}
	leaf := tlog.RecordHash(q.Leaves[q.Record])
	if err := tlog.CheckRecord(inclusion, size, root, q.Record, leaf); err != nil {
		return err
	}
	consistency, err := hashes(append([][]byte{q.OldRoot}, q.Consistency...))
	if err != nil {
		return err
	}
	return tlog.CheckTree(consistency[1:], size, root, q.Old, consistency[0])
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var q question
		err := json.Unmarshal(lines.Bytes(), &q)
		if err == nil {
			err = judge(q)
		}
		if err != nil {
			fmt.Printf("refused: %v\n", err)
		} else {
			fmt.Println("ok")
		}
	}
}
