package certificate

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// mainnetWork is the least work of a header on mainnet, in bits: difficulty 2^43,
// which the chain passed in 2019 and never fell below again. Without it, headers
// of the difficulty of 2009 would do, and a laptop makes those.
const mainnetWork = 75

// Options is what a reader asks for.
type Options struct {
	MinConfirmations int      // headers that must be given, the block's own included; 0 means 1
	BlockHash        string   // of the block at that height as a node or an explorer names it; "" means not compared
	MaxTarget        *big.Int // easiest target of a header; nil means what is sensible for the network
}

// Line is one thing that was checked.
type Line struct {
	Check string `json:"check"` // stable: note, network, claim, proof, transaction, block, output, confirmations, best_chain
	OK    bool   `json:"ok"`
	Text  string `json:"text"` // one plain sentence
}

// Report is what Verify found.
type Report struct {
	OK        bool     `json:"ok"` // every line is
	Lines     []Line   `json:"lines"`
	NotProven []string `json:"not_proven"` // what the file cannot show
}

// Err returns nil, or the first line that does not hold as errs.Invalid with
// code certificate_refused.
func (r Report) Err() error {
	for _, line := range r.Lines {
		if !line.OK {
			return errs.New(errs.Invalid, CodeCertificateRefused, line.Text)
		}
	}
	return nil
}

func (r *Report) add(check, fault, text string) {
	line := Line{Check: check, OK: fault == "", Text: text}
	if fault != "" {
		line.Text = fault
	}
	r.OK = r.OK && line.OK
	r.Lines = append(r.Lines, line)
}

// Verify checks all that can be checked without a node. It goes on after a fault
// as far as the next check still means something.
func (c Certificate) Verify(opt Options) Report {
	r := Report{OK: true, NotProven: c.notProven(opt)}
	net := paramsOf(c.Network)
	if net == nil {
		r.add(
			"network",
			fmt.Sprintf("The certificate is for network %q, which this program does not know.", c.Network),
			"",
		)
		return r
	}
	note, err := decision.Parse([]byte(c.DecisionNote))
	if err != nil {
		r.add("note", "The decision note cannot be read: "+words(err), "")
		return r
	}
	digest := note.Digest().String()
	r.add(
		"note",
		unless(
			digest == c.DecisionDigest,
			"The digest of the decision note is %s, but the certificate says %s.",
			digest,
			c.DecisionDigest,
		),
		"The decision note is in its one form and its digest is "+digest+".",
	)
	if !note.Has(c.Period) {
		r.add(
			"claim",
			fmt.Sprintf("The note has %d periods, and the certificate is for period %d.", note.Periods, c.Period),
			"",
		)
		return r
	}
	payee := note.Payee(c.Period)
	r.add(
		"network",
		faultOf(note.Check(net)),
		fmt.Sprintf("The note is for network %s, and its address %s gives its script.", c.Network, payee.Address),
	)
	r.add("claim", claimFault(c, note), c.claim(note))
	c.verifyChain(&r, note, net, opt)
	return r
}

// claim says what the note decides about the amount, and of which period.
func (c Certificate) claim(note decision.Note) string {
	period := ""
	if note.Periods > 1 {
		period = fmt.Sprintf(" in period %d of %d", c.Period, note.Periods)
	}
	amount := btcutil.Amount(c.AmountSat)
	if note.Currency != decision.CurrencySat {
		return fmt.Sprintf(
			"The note decides to pay %d minor units of %s%s, worth %d to %d sat; the certificate says %s sat (%s BTC), "+
				"which is within.",
			note.Amount,
			note.Currency,
			period,
			int64(note.SatLeast),
			int64(note.SatMost),
			money.Group(amount, " "),
			money.FormatBTC(amount),
		)
	}
	return fmt.Sprintf("The note decides to pay %s sat (%s BTC)%s, as the certificate says.",
		money.Group(amount, " "), money.FormatBTC(amount), period)
}

// verifyChain checks the proof, and that it is about the payment of the note.
func (c Certificate) verifyChain(r *Report, note decision.Note, net *chaincfg.Params, opt Options) {
	maxTarget := opt.MaxTarget
	if maxTarget == nil && net.Name == chaincfg.MainNetParams.Name {
		maxTarget = new(big.Int).Lsh(big.NewInt(1), 256-mainnetWork)
	}
	tx, block, err := c.Inclusion.Verify(net, 1, maxTarget)
	if err != nil {
		r.add("proof", faultOf(err), "")
		return
	}
	r.add(
		"proof",
		"",
		"The Merkle branch leads from the transaction to the root in its block's header, and every header has the work that it claims.",
	)
	r.add(
		"transaction",
		unless(
			tx.TxHash().String() == c.TxID,
			"The proof is about transaction %s, but the certificate names %s.",
			tx.TxHash(),
			c.TxID,
		),
		"The transaction is "+c.TxID+".",
	)
	r.add(
		"block",
		unless(
			block.String() == c.BlockHash,
			"The proof is about block %s, but the certificate names %s.",
			block,
			c.BlockHash,
		),
		fmt.Sprintf("The block is %s; its header gives the time %s.", c.BlockHash, c.blockTime()),
	)
	r.add(
		"output",
		outputFault(c, note, tx),
		fmt.Sprintf(
			"Output %d of the transaction pays exactly %d sat to exactly the script of the note.",
			c.Vout,
			c.AmountSat,
		),
	)
	n := c.Inclusion.Confirmations()
	r.add(
		"confirmations",
		unless(
			n >= opt.MinConfirmations,
			"The certificate has %d block headers, the payment's block included; you asked for %d.",
			n,
			opt.MinConfirmations,
		),
		fmt.Sprintf(
			"%d block headers follow one another, the payment's block included. To make them up takes about %s hashes.",
			n,
			powerOfTwo(c.Inclusion.Work()),
		),
	)
	if opt.BlockHash != "" {
		same := strings.EqualFold(opt.BlockHash, block.String())
		r.add(
			"best_chain",
			unless(
				same,
				"You found block %s on the chain, but the payment is in block %s.",
				strings.ToLower(opt.BlockHash),
				block,
			),
			"It is the block that you found on the chain yourself.",
		)
	}
}

func (c Certificate) blockTime() string {
	var h wire.BlockHeader
	if err := h.Deserialize(bytes.NewReader(c.Inclusion.Headers)); err != nil {
		return "unknown"
	}
	return h.Timestamp.UTC().Format(time.RFC3339)
}

// claimFault compares what the certificate says in the clear with its note.
func claimFault(c Certificate, note decision.Note) string {
	payee := note.Payee(c.Period)
	script, amount := hex.EncodeToString(payee.Script), btcutil.Amount(c.AmountSat)
	switch {
	case amount < note.SatLeast || amount > note.SatMost:
		return fmt.Sprintf("The note pays %s sat, but the certificate says %d.", decided(note), c.AmountSat)
	case c.Script != script:
		return fmt.Sprintf("The note pays script %s, but the certificate says %s.", script, c.Script)
	case c.Address != payee.Address:
		return fmt.Sprintf("The note pays %s, but the certificate says %s.", payee.Address, c.Address)
	}
	return ""
}

// decided is what the note decides to pay in a period, in satoshi.
func decided(note decision.Note) string {
	if note.SatLeast == note.SatMost {
		return strconv.FormatInt(int64(note.SatMost), 10)
	}
	return fmt.Sprintf("%d to %d", int64(note.SatLeast), int64(note.SatMost))
}

func outputFault(c Certificate, note decision.Note, tx *wire.MsgTx) string {
	if int64(c.Vout) >= int64(len(tx.TxOut)) {
		return fmt.Sprintf(
			"The transaction has %d outputs, and the certificate names number %d (the first is 0).",
			len(tx.TxOut),
			c.Vout,
		)
	}
	out, payee := tx.TxOut[c.Vout], note.Payee(c.Period)
	switch {
	case out.Value < int64(note.SatLeast) || out.Value > int64(note.SatMost):
		return fmt.Sprintf("Output %d pays %d sat; the note decides %s.", c.Vout, out.Value, decided(note))
	case note.SatLeast != note.SatMost && out.Value != c.AmountSat:
		return fmt.Sprintf("Output %d pays %d sat; the certificate says %d.", c.Vout, out.Value, c.AmountSat)
	case !bytes.Equal(out.PkScript, payee.Script):
		return fmt.Sprintf("Output %d pays script %x; the note decides %x.", c.Vout, out.PkScript, payee.Script)
	}
	return ""
}

func (c Certificate) notProven(opt Options) []string {
	list := []string{
		"That the fund's people made this decision: look for the decision digest in the fund's audit log.",
		"That the fund shows this output for no other decision or period: compare the transaction and the output number with its other certificates.",
		"The height, the reference, the digest of the batch and the time of issue are the fund's word.",
	}
	if c.Network != chaincfg.MainNetParams.Name {
		list = append(list, "That anything of worth was paid: "+strconv.Quote(c.Network)+" is a test network.")
	}
	if opt.BlockHash == "" {
		list = append(
			[]string{"That the block is on the best chain of today: compare its hash with any node or block explorer."},
			list...)
	}
	return list
}

func unless(holds bool, format string, args ...any) string {
	if holds {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func faultOf(err error) string {
	if err == nil {
		return ""
	}
	return words(err)
}
