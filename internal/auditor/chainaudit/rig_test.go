package chainaudit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// jline is a journal line as signers write it.
type jline struct {
	V         int      `json:"v"`
	Seq       int64    `json:"seq"`
	Prev      string   `json:"prev"`
	Time      int64    `json:"time"`
	Treasury  string   `json:"treasury"`
	Request   string   `json:"request"`
	Batch     string   `json:"batch"`
	Number    uint32   `json:"number"`
	BatchNote string   `json:"batch_note"`
	Attempt   int64    `json:"attempt"`
	TxID      string   `json:"txid"`
	Inputs    []string `json:"inputs"`
	Outs      []jout   `json:"outs"`
	Fee       int64    `json:"fee"`
	Kind      string   `json:"kind,omitempty"`
	LockTime  uint32   `json:"lock_time,omitempty"`
	Note      string   `json:"note,omitempty"`
	Void      string   `json:"void,omitempty"`
}

type jout struct {
	Script   string  `json:"script"`
	Sat      int64   `json:"sat"`
	Decision string  `json:"decision,omitempty"`
	Period   int     `json:"period,omitempty"`
	Note     string  `json:"note,omitempty"`
	Change   *uint32 `json:"change,omitempty"`
}

// fund is a treasury of a test: keys, coins and journal.
type fund struct {
	t       testing.TB
	kind    string // wpkh, tr or wsh
	name    string
	masters []*hdkeychain.ExtendedKey
	text    string // descriptor

	coins   []wire.OutPoint // the deposits, by index
	values  map[wire.OutPoint]*wire.TxOut
	paths   map[wire.OutPoint][2]uint32
	journal []string // lines
	second  []string // of another signer; nil when there is none
}

// fundDeposits are what every fund gets, in satoshi, at 0/0 and so on.
func fundDeposits() []int64 { return []int64{100_000, 200_000, 300_000, 400_000} }

func newFund(t testing.TB, kind, name string) *fund {
	t.Helper()
	f := &fund{t: t, kind: kind, name: name, values: map[wire.OutPoint]*wire.TxOut{}, paths: map[wire.OutPoint][2]uint32{}}
	keys := []string{}
	for i := range 3 {
		seed := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", kind, name, i))
		master, err := hdkeychain.NewMaster(seed[:], &chaincfg.SimNetParams)
		f.must(err)
		pub, err := master.Neuter()
		f.must(err)
		f.masters, keys = append(f.masters, master), append(keys, pub.String()+"/<0;1>/*")
		if kind != "wsh" {
			break
		}
	}
	body := kind + "(" + keys[0] + ")"
	if kind == "wsh" {
		body = "wsh(sortedmulti(2," + strings.Join(keys, ",") + "))"
	}
	sum, err := chainaudit.Checksum(body)
	f.must(err)
	f.text = body + "#" + sum
	return f
}

func (f *fund) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fund) key(signer int, chain, index uint32) *btcec.PrivateKey {
	f.t.Helper()
	branch, err := f.masters[signer].Derive(chain)
	f.must(err)
	child, err := branch.Derive(index)
	f.must(err)
	key, err := child.ECPrivKey()
	f.must(err)
	return key
}

// multi returns the witness script of a wsh fund and the signers in the order of
// their keys in it.
func (f *fund) multi(chain, index uint32) (script []byte, signers []int) {
	f.t.Helper()
	signers = []int{0, 1, 2}
	pub := func(s int) []byte { return f.key(s, chain, index).PubKey().SerializeCompressed() }
	slices.SortFunc(signers, func(a, b int) int { return bytes.Compare(pub(a), pub(b)) })
	addrs := []*address.AddressPubKey{}
	for _, s := range signers {
		a, err := address.NewAddressPubKey(pub(s), &chaincfg.SimNetParams)
		f.must(err)
		addrs = append(addrs, a)
	}
	script, err := txscript.MultiSigScript(addrs, 2)
	f.must(err)
	return script, signers
}

func (f *fund) script(chain, index uint32) []byte {
	f.t.Helper()
	var to address.Address
	var err error
	switch f.kind {
	case "tr":
		out := txscript.ComputeTaprootKeyNoScript(f.key(0, chain, index).PubKey())
		to, err = address.NewAddressTaproot(out.SerializeCompressed()[1:], &chaincfg.SimNetParams)
	case "wsh":
		multi, _ := f.multi(chain, index)
		program := sha256.Sum256(multi)
		to, err = address.NewAddressWitnessScriptHash(program[:], &chaincfg.SimNetParams)
	default:
		to, err = address.NewAddressWitnessPubKeyHash(address.Hash160(f.key(0, chain, index).PubKey().SerializeCompressed()), &chaincfg.SimNetParams)
	}
	f.must(err)
	script, err := txscript.PayToAddrScript(to)
	f.must(err)
	return script
}

// deposited tells the fund of its deposits in tx, the first at output vout.
func (f *fund) deposited(tx *wire.MsgTx, vout uint32) {
	for i := range fundDeposits() {
		op := wire.OutPoint{Hash: tx.TxHash(), Index: vout + uint32(i)}
		f.coins = append(f.coins, op)
		f.owns(op, tx.TxOut[op.Index], 0, uint32(i))
	}
}

func (f *fund) owns(op wire.OutPoint, out *wire.TxOut, chain, index uint32) {
	f.values[op], f.paths[op] = out, [2]uint32{chain, index}
}

// pay is one payment of a test.
type pay struct {
	who string // a slash and a number: of that period, not of the first
	sat int64
}

func (f *fund) id(what string) uuid.UUID { return uuid.NewSHA1(uuid.Nil, []byte(f.name+" "+what)) }

// payee is the script of who; everybody of one name has one script.
func payee(who string) []byte { return append([]byte{0, 20}, address.Hash160([]byte(who))...) }

// entry is a transaction with its journal line, both still to be changed.
type entry struct {
	tx   *wire.MsgTx
	line jline
}

// build makes a transaction of batch number that pays pays, then change for the
// rest over fee.
func (f *fund) build(number uint32, attempt int64, coins []wire.OutPoint, fee int64, pays ...pay) *entry {
	f.t.Helper()
	e := &entry{tx: wire.NewMsgTx(2)}
	e.tx.LockTime = 7
	rest := -fee
	for _, op := range coins {
		e.tx.AddTxIn(&wire.TxIn{PreviousOutPoint: op, Sequence: wire.MaxTxInSequenceNum - 2})
		rest += f.values[op].Value
	}
	treasury := sha256.Sum256([]byte(f.text))
	e.line = jline{
		V: 3, Treasury: hex.EncodeToString(treasury[:]), Request: strings.Repeat("0", 64), Batch: f.id(fmt.Sprint(number)).String(),
		Number: number, Attempt: attempt, Fee: fee, Kind: chainaudit.KindPay, Time: released.Unix(),
	}
	note := decision.BatchNote{Network: decision.NetworkOf(&chaincfg.SimNetParams), Batch: f.id(fmt.Sprint(number)), Number: number, MaxFeeRateSatKVB: 100_000, MaxFee: 20_000}
	for _, p := range pays {
		rest -= p.sat
		who, no, found := strings.Cut(p.who, "/")
		period := 1
		if found {
			var err error
			period, err = strconv.Atoi(no)
			f.must(err)
		}
		e.tx.AddTxOut(wire.NewTxOut(p.sat, payee(who)))
		digest := decision.Digest(sha256.Sum256([]byte("decision " + who)))
		note.Payments = append(note.Payments, decision.Payment{Decision: digest, Period: period, Script: payee(who), Amount: btcutil.Amount(p.sat)})
		e.line.Outs = append(e.line.Outs, jout{
			Script: hex.EncodeToString(payee(who)), Sat: p.sat, Decision: f.id(who).String(), Period: period, Note: digest.String(),
		})
	}
	e.line.Note = string(note.Encode())
	e.line.BatchNote = note.Digest().String()
	if rest > 0 {
		e.tx.AddTxOut(wire.NewTxOut(rest, f.script(1, number)))
		e.line.Outs = append(e.line.Outs, jout{Script: hex.EncodeToString(f.script(1, number)), Sat: rest, Change: &number})
	}
	return f.settle(e)
}

// settle writes into the line what follows from the transaction.
func (f *fund) settle(e *entry) *entry {
	e.line.TxID, e.line.LockTime, e.line.Inputs = e.tx.TxHash().String(), e.tx.LockTime, nil
	for _, in := range e.tx.TxIn {
		e.line.Inputs = append(e.line.Inputs, in.PreviousOutPoint.String())
	}
	for i, o := range e.line.Outs {
		if o.Change != nil && i < len(e.tx.TxOut) {
			f.owns(wire.OutPoint{Hash: e.tx.TxHash(), Index: uint32(i)}, e.tx.TxOut[i], 1, *o.Change)
		}
	}
	return e
}

// change is the coin that e returns.
func (e *entry) change() wire.OutPoint {
	return wire.OutPoint{Hash: e.tx.TxHash(), Index: uint32(len(e.tx.TxOut) - 1)}
}

// void turns a payment into a void of its batch.
func (f *fund) void(e *entry, fee int64) *entry {
	f.t.Helper()
	v := f.build(e.line.Number, e.line.Attempt+1, outPoints(e.tx), fee)
	v.line.Kind, v.line.Note, v.line.BatchNote = chainaudit.KindVoid, e.line.Note, e.line.BatchNote
	digest, err := decision.ParseDigest(e.line.BatchNote)
	f.must(err)
	v.line.Void = string(decision.VoidNote{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Batch: uuid.MustParse(e.line.Batch), Number: e.line.Number,
		Note: digest, MaxFee: 20_000,
	}.Encode())
	return v
}

// upkeep makes outputs equal coins of the coins.
func (f *fund) upkeep(number uint32, kind string, coins []wire.OutPoint, outputs int, fee int64) *entry {
	f.t.Helper()
	e := f.build(number, 0, coins, fee)
	note := decision.UpkeepNote{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Batch: uuid.MustParse(e.line.Batch), Number: number, Kind: kind,
		Outputs: outputs, MaxFeeRateSatKVB: 100_000, MaxFee: 20_000, Coins: coins,
	}
	e.line.Kind, e.line.Note, e.line.BatchNote = chainaudit.KindUpkeep, string(note.Encode()), note.Digest().String()
	all := e.tx.TxOut[0].Value
	for i := range outputs {
		sat := all / int64(outputs)
		if i == outputs-1 {
			sat = all - sat*int64(outputs-1)
		}
		if i > 0 {
			e.tx.AddTxOut(wire.NewTxOut(0, e.tx.TxOut[0].PkScript))
			e.line.Outs = append(e.line.Outs, e.line.Outs[0])
		}
		e.tx.TxOut[i].Value, e.line.Outs[i].Sat = sat, sat
	}
	return f.settle(e)
}

func outPoints(tx *wire.MsgTx) (ops []wire.OutPoint) {
	for _, in := range tx.TxIn {
		ops = append(ops, in.PreviousOutPoint)
	}
	return ops
}

// write journals entries.
func (f *fund) write(entries ...*entry) {
	f.t.Helper()
	for _, e := range entries {
		f.journal = f.appendLine(f.journal, e.line)
	}
}

func (f *fund) appendLine(to []string, l jline) []string {
	f.t.Helper()
	l.Seq, l.Prev = int64(len(to))+1, strings.Repeat("0", 64)
	if len(to) > 0 {
		h := sha256.Sum256([]byte(to[len(to)-1]))
		l.Prev = hex.EncodeToString(h[:])
	}
	text, err := json.Marshal(l)
	f.must(err)
	return append(to, string(text))
}

// sign returns e's transaction with witnesses.
func (f *fund) sign(e *entry) *wire.MsgTx {
	f.t.Helper()
	tx := e.tx.Copy()
	prevs := txscript.NewMultiPrevOutFetcher(f.values)
	hashes := txscript.NewTxSigHashes(tx, prevs)
	for i, in := range tx.TxIn {
		prev, ok := f.values[in.PreviousOutPoint]
		if !ok {
			f.t.Fatalf("%s: input %d is of nobody", f.name, i)
		}
		chain, index := f.paths[in.PreviousOutPoint][0], f.paths[in.PreviousOutPoint][1]
		var err error
		switch f.kind {
		case "tr":
			in.Witness, err = txscript.TaprootWitnessSignature(tx, hashes, i, prev.Value, prev.PkScript, txscript.SigHashDefault, f.key(0, chain, index))
		case "wsh":
			multi, signers := f.multi(chain, index)
			in.Witness = wire.TxWitness{nil}
			for _, s := range signers[:2] {
				sig, err := txscript.RawTxInWitnessSignature(tx, hashes, i, prev.Value, multi, txscript.SigHashAll, f.key(s, chain, index))
				f.must(err)
				in.Witness = append(in.Witness, sig)
			}
			in.Witness = append(in.Witness, multi)
		default:
			in.Witness, err = txscript.WitnessSignature(tx, hashes, i, prev.Value, prev.PkScript, txscript.SigHashAll, f.key(0, chain, index), true)
		}
		f.must(err)
	}
	return tx
}

// config is an audit of the fund.
func (f *fund) config(node chainaudit.Node, birthday int32) chainaudit.Config {
	cfg := chainaudit.Config{
		Descriptor: f.text, Birthday: birthday, Node: node, Final: 3, Gap: 12,
		Journals: []chainaudit.Journal{textJournal("A", f.journal)},
	}
	if f.second != nil {
		cfg.Journals = append(cfg.Journals, textJournal("B", f.second))
	}
	return cfg
}

func textJournal(name string, lines []string) chainaudit.Journal {
	text := strings.Join(lines, "\n")
	if text != "" && !strings.HasSuffix(text, torn) {
		text += "\n"
	}
	text = strings.TrimSuffix(text, torn)
	return chainaudit.Journal{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

// torn at the end of a last line leaves its line feed out.
const torn = "\x00"

func sha(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}
