package chainaudit

import (
	"cmp"
	"fmt"
	"strings"
)

// Alarm codes. Each one says that the money cannot be accounted for as the
// journals tell it, or that somebody could be paid twice.
const (
	JournalDamaged   = "journal_damaged"   // a line is not a record
	JournalChain     = "journal_chain"     // a line does not follow the one before: a line was taken out, added or changed
	JournalRepeats   = "journal_repeats"   // two lines for one transaction
	JournalTxID      = "journal_txid"      // what a line says does not give the transaction that it names
	JournalNote      = "journal_note"      // what people approved, as the line holds it, is not what was signed
	OtherTreasury    = "other_treasury"    // a line was written for another descriptor
	JournalsDiffer   = "journals_differ"   // two journals tell one transaction in two ways
	OneJournalOnly   = "one_journal_only"  // a confirmed transaction is missing in one of the journals
	DecisionChanged  = "decision_changed"  // one decision with two notes, or one of its periods with two scripts or amounts
	NumberReused     = "number_reused"     // two batches with one number, which is the index of their change
	ReplacementWrong = "replacement_wrong" // an attempt breaks the rules of replacing the ones before it
	PaidAfterVoid    = "paid_after_void"   // a paying attempt was signed after the batch was voided
	MayPayTwice      = "may_pay_twice"     // two transactions pay one period of a decision and could both confirm
	ForeignSpend     = "foreign_spend"     // a coin was spent by a transaction that is in no journal
	ForeignWaiting   = "foreign_waiting"   // such a transaction waits in the node's mempool
	UnmappedOutput   = "unmapped_output"   // an output that no decision names
	WrongPayment     = "wrong_payment"     // another script or amount than the decision's
	WrongChange      = "wrong_change"      // change at another script than that of the batch, or of another amount
	WrongInputs      = "wrong_inputs"      // other inputs than the journal says
	WrongFee         = "wrong_fee"         // another fee than the journal says
	UnknownInput     = "unknown_input"     // a journalled transaction spends what is no coin of the treasury
	PaidTwice        = "paid_twice"        // two confirmed outputs for one period of a decision
	BatchTwice       = "batch_twice"       // two confirmed transactions of one batch
	NodeDisagrees    = "node_disagrees"    // the node's own coin set says otherwise
	ApprovalMissing  = "approval_missing"  // the audit log does not know the digest that was paid
	ApprovalDiffers  = "approval_differs"  // it approves another digest for the batch, or this one for another batch
	ApprovalLate     = "approval_late"     // it was approved only after the signer had released it
	ApprovalActor    = "approval_actor"    // it was approved by nobody of the staff, or by somebody who voted on it
	ApprovalLost     = "approval_lost"     // the batch was rebuilt from a journal, and the log has lost who approved
	VotesMissing     = "votes_missing"     // fewer people voted for it than any fund needs
	DoesNotAddUp     = "does_not_add_up"   // deposits - paid - fees - lost is not what the coins are worth
)

// Note codes: worth knowing, and no difference.
const (
	JournalTorn    = "journal_torn"      // a last line was never finished
	NodeWentOn     = "node_went_on"      // new blocks came faster than they could be compared
	MempoolNotRead = "mempool_not_read"  // the node does not say what waits
	ChangeGift     = "deposit_at_change" // somebody else paid to a change script
	LostAccepted   = "lost_accepted"     // an approval was lost with a restored database, and the reader accepts that
	WaitsInOne     = "waiting_in_one"    // one of two journals lacks a transaction that is not confirmed
)

// States of a journalled transaction that is not on the chain.
const (
	MayConfirm    = "may_confirm"
	Conflicted    = "conflicted"          // an input was spent by a transaction that is not final yet
	Dead          = "dead"                // an input was spent by a final one
	WaitsParent   = "waits_for_a_parent"  // it spends change of another waiting transaction
	InputsMissing = "inputs_not_on_chain" // it spends what is on no chain that the node knows
)

// maxSat is more than any amount can be.
const maxSat = 21_000_000 * 100_000_000

// Finding is something that a person should know. As an alarm, it means that the
// treasury is not accounted for.
type Finding struct {
	Code     string `json:"code"`
	Text     string `json:"text"` // plain English
	Journal  string `json:"journal,omitempty"`
	Line     int    `json:"line,omitempty"` // of the journal, from 1
	TxID     string `json:"txid,omitempty"`
	Vout     *int   `json:"vout,omitempty"`
	Height   int32  `json:"height,omitempty"`
	Decision string `json:"decision,omitempty"` // UUID
	Period   int    `json:"period,omitempty"`   // of the decision; 0 where all are in question
	Batch    string `json:"batch,omitempty"`    // UUID
	Sat      int64  `json:"sat,omitempty"`      // what is in question
}

// Deposit is an output to the treasury from somebody else.
type Deposit struct {
	TxID   string `json:"txid"`
	Vout   int    `json:"vout"`
	Height int32  `json:"height"`
	Sat    int64  `json:"sat"`
	Chain  uint32 `json:"chain"` // 0 deposit, 1 change
	Index  uint32 `json:"index"`
}

// Instalment is what is paid once: one period of one decision.
type Instalment struct {
	Decision string `json:"decision"` // UUID
	Period   int    `json:"period"`   // from 1
}

// String names it in a sentence.
func (i Instalment) String() string {
	return fmt.Sprintf("period %d of decision %s", i.Period, i.Decision)
}

func (i Instalment) compare(o Instalment) int {
	return cmp.Or(strings.Compare(i.Decision, o.Decision), cmp.Compare(i.Period, o.Period))
}

// Payment is an output that pays an instalment.
type Payment struct {
	Instalment
	TxID   string `json:"txid"`
	Vout   int    `json:"vout"`
	Height int32  `json:"height"`
	Sat    int64  `json:"sat"`
	Batch  string `json:"batch"` // UUID
	Number uint32 `json:"number"`
}

// Coin is an unspent output of the treasury.
type Coin struct {
	TxID   string `json:"txid"`
	Vout   uint32 `json:"vout"`
	Height int32  `json:"height"`
	Sat    int64  `json:"sat"`
	Chain  uint32 `json:"chain"`
	Index  uint32 `json:"index"`
}

// Transaction is a confirmed transaction that spent coins of the treasury.
type Transaction struct {
	TxID    string `json:"txid"`
	Height  int32  `json:"height"`
	Kind    string `json:"kind"` // pay, void, upkeep or foreign
	Batch   string `json:"batch,omitempty"`
	Number  uint32 `json:"number"`
	Attempt int64  `json:"attempt"`
	InSat   int64  `json:"in_sat"`
	PaidSat int64  `json:"paid_sat"`
	BackSat int64  `json:"back_sat"` // change
	FeeSat  int64  `json:"fee_sat"`
	LostSat int64  `json:"lost_sat"`
}

// Waiting is a journalled transaction that is not on the chain.
type Waiting struct {
	TxID    string       `json:"txid"`
	Batch   string       `json:"batch"`
	Number  uint32       `json:"number"`
	Attempt int64        `json:"attempt"`
	Kind    string       `json:"kind"`
	Pays    []Instalment `json:"pays,omitempty"`
	PaysSat int64        `json:"pays_sat"`
	FeeSat  int64        `json:"fee_sat"`
	State   string       `json:"state"` // MayConfirm, Conflicted, Dead, WaitsParent or InputsMissing
	// Conflicts are the transactions that spend one of its inputs, the confirmed
	// one first.
	Conflicts []string `json:"conflicts,omitempty"`
}

// JournalRead is what was read of one journal.
type JournalRead struct {
	Name      string `json:"name"`
	Lines     int    `json:"lines"`
	Head      string `json:"head"`                 // SHA-256 of the last line, hex
	TornBytes int64  `json:"torn_bytes,omitempty"` // of a last line that was never finished
}

// LogRead is what was read of one audit log.
type LogRead struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// Approvals is how far the audit log says that people approved what is on the chain.
type Approvals struct {
	Logs           []LogRead `json:"logs"`
	Payments       int       `json:"payments"` // outputs that a journalled transaction on the chain pays
	Approved       int       `json:"approved"` // of these, those with all their leaves
	Others         int       `json:"others"`   // voids and upkeep on the chain
	OthersApproved int       `json:"others_approved"`
	Accepted       int       `json:"accepted"` // findings of an approval that was lost, and that the reader accepted
}

// Report is where the treasury's money came from and went, up to one block.
type Report struct {
	Network    string `json:"network"`
	Descriptor string `json:"descriptor"`
	Birthday   int32  `json:"birthday"`
	Height     int32  `json:"height"`
	Block      string `json:"block"`      // hash of the block at Height
	BlockTime  int64  `json:"block_time"` // Unix seconds, as the miner says

	DepositsSat   int64 `json:"deposits_sat"`
	PaidSat       int64 `json:"paid_sat"`
	FeesSat       int64 `json:"fees_sat"`
	LostSat       int64 `json:"lost_sat"` // left the treasury without a decision
	UnspentSat    int64 `json:"unspent_sat"`
	DifferenceSat int64 `json:"difference_sat"` // deposits - paid - fees - lost - unspent

	Approvals *Approvals `json:"approvals"` // null: no audit log was given, and who approved was not checked

	Journals     []JournalRead `json:"journals"`
	Deposits     []Deposit     `json:"deposits"`
	Transactions []Transaction `json:"transactions"`
	Payments     []Payment     `json:"payments"`
	Coins        []Coin        `json:"coins"`
	Waiting      []Waiting     `json:"waiting"`
	Alarms       []Finding     `json:"alarms"`
	Notes        []Finding     `json:"notes"` // worth knowing, and no difference
}

// OK reports whether everything is accounted for.
func (r Report) OK() bool { return len(r.Alarms) == 0 && r.DifferenceSat == 0 }

// Count returns how many confirmed transactions of kind spent treasury coins.
func (r Report) Count(kind string) int {
	n := 0
	for _, t := range r.Transactions {
		if t.Kind == kind {
			n++
		}
	}
	return n
}

func (r *Report) alarm(f Finding, format string, args ...any) {
	f.Text = fmt.Sprintf(format, args...)
	r.Alarms = append(r.Alarms, f)
}

func (r *Report) note(f Finding, format string, args ...any) {
	f.Text = fmt.Sprintf(format, args...)
	r.Notes = append(r.Notes, f)
}
