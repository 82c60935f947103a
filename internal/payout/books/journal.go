package books

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
)

// Commodity is the unit that a journal counts in.
type Commodity string

// The units of a journal.
const (
	SAT Commodity = "SAT" // whole satoshi
	BTC Commodity = "BTC" // bitcoin with eight decimals
)

func (c Commodity) amount(a btcutil.Amount) string {
	if c == BTC {
		return money.FormatBTC(a) + " BTC"
	}
	return strconv.FormatInt(int64(a), 10) + " SAT"
}

// The accounts of a payment. They are in English and few, for the reader to map
// onto a chart of accounts of his own.
const (
	accountTreasury = "Assets:Treasury:Bitcoin"
	accountGrants   = "Expenses:Grants"
	accountFees     = "Expenses:Fees:Network"
)

// posting is one line of a booked payment.
type posting struct {
	account string
	amount  btcutil.Amount
}

func (p Payment) postings() []posting {
	return []posting{
		{accountGrants, p.AmountSat},
		{accountFees, p.FeeShareSat},
		{accountTreasury, -p.AmountSat - p.FeeShareSat},
	}
}

// WriteLedger writes a journal that ledger 3 and hledger read: a transaction a
// payment, cleared (*) when the fund counts it as made and pending (!) before.
func WriteLedger(w io.Writer, payments []Payment, unit Commodity) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "; Payments of grants, in %s. The treasury pays the fees.\n", unit)
	for _, p := range payments {
		if !p.booked() {
			notBooked(out, p, unit)
			continue
		}
		fmt.Fprintf(
			out,
			"\n%s %s (batch %d) %s\n",
			p.PaidAt.UTC().Format("2006/01/02"),
			p.flag(),
			p.BatchNumber,
			ledgerText("Grant "+p.GrantReference),
		)
		for _, m := range p.tags() {
			fmt.Fprintf(out, "    ; %s: %s\n", m.key, ledgerText(m.value))
		}
		for _, post := range p.postings() {
			fmt.Fprintf(out, "    %-24s  %s\n", post.account, unit.amount(post.amount))
		}
	}
	return flush(out, "a ledger journal")
}

// WriteBeancount writes a file that beancount reads as it is: accounts are
// opened on the day of the first payment.
func WriteBeancount(w io.Writer, payments []Payment, unit Commodity) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "; Payments of grants, in %s. The treasury pays the fees.\n", unit)
	var first time.Time
	for _, p := range payments {
		if p.booked() && (first.IsZero() || p.PaidAt.Before(first)) {
			first = p.PaidAt
		}
	}
	if !first.IsZero() {
		for _, account := range []string{accountTreasury, accountGrants, accountFees} {
			fmt.Fprintf(out, "%s open %s %s\n", first.UTC().Format(time.DateOnly), account, unit)
		}
	}
	for _, p := range payments {
		if !p.booked() {
			notBooked(out, p, unit)
			continue
		}
		fmt.Fprintf(
			out,
			"\n%s %s %s\n",
			p.PaidAt.UTC().Format(time.DateOnly),
			p.flag(),
			quoted("Grant "+p.GrantReference),
		)
		for _, m := range p.tags() {
			fmt.Fprintf(out, "  %s: %s\n", m.key, quoted(m.value))
		}
		for _, post := range p.postings() {
			fmt.Fprintf(out, "  %-24s  %s\n", post.account, unit.amount(post.amount))
		}
	}
	return flush(out, "a beancount file")
}

func (p Payment) flag() string {
	if p.settled() {
		return "*"
	}
	return "!"
}

type tag struct{ key, value string }

// tags is what is known of a booked payment beside its amounts. The keys are
// legal in all three programs.
func (p Payment) tags() []tag {
	list := []tag{
		{"grant", p.GrantReference},
		{"instalment", p.InstalmentID.String()},
		{"decision", p.DecisionDigest},
		{"period", strconv.Itoa(p.Period)},
		{"batch", strconv.FormatInt(p.BatchNumber, 10)},
		{"output", p.TxID + ":" + strconv.FormatUint(uint64(p.Vout), 10)},
		{"address", p.Address},
		{"block", p.BlockHash},
		{"height", strconv.FormatInt(int64(p.Height), 10)},
		{"time", stamp(p.PaidAt)},
		{"state", p.State},
	}
	if p.Designation != "" {
		list = append(list, tag{"designation", p.Designation})
	}
	return list
}

func notBooked(out io.Writer, p Payment, unit Commodity) {
	fmt.Fprintf(out, "\n; Not booked, because it is in no block yet: grant %s, instalment %s, batch %d, %s, %s.\n",
		ledgerText(p.GrantReference), p.InstalmentID, p.BatchNumber, unit.amount(p.AmountSat), ledgerText(p.State))
}

// ledgerText is one line that ledger and hledger take as text alone: no comment
// begins in it, no date of another day stands in it in brackets, and no payee
// ends in it.
func ledgerText(s string) string {
	return strings.NewReplacer(";", ",", "|", "/", "[", "(", "]", ")").Replace(oneLine(s))
}

// quoted is a string of beancount.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(oneLine(s)) + `"`
}

func flush(out *bufio.Writer, what string) error {
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write payments as %s: %w", what, err)
	}
	return nil
}
