package recovery

import (
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// unjoinedText names payments whose approvals are lost.
func unjoinedText(list []payout.UnjoinedPayment) string {
	var sent, back []string
	var sum btcutil.Amount
	count := 0
	for i, p := range list {
		line := fmt.Sprintf(
			"Batch %d, output %d of %s: %d sat, period %d of decision note %s.",
			p.Number,
			p.OutPoint.Index,
			p.OutPoint.Hash,
			int64(p.Amount),
			p.Paid.Period,
			p.Paid.Note,
		)
		if i >= maxNamed {
			line = ""
		}
		if p.State == payout.Voided {
			back = append(back, line)
			continue
		}
		count, sum, sent = count+1, sum+p.Amount, append(sent, line)
	}
	var text strings.Builder
	text.WriteString(
		"An older database was restored, and the signers' journals name payments whose approvals it lacks.",
	)
	if count > 0 {
		fmt.Fprintf(
			&text,
			" %d of them, %d sat in all, were signed and count as paid once a block has them: do not pay them again. ",
			count,
			int64(sum),
		)
		text.WriteString(joinLines(sent))
	}
	if len(back) > 0 {
		fmt.Fprintf(&text, " %d were taken back and paid nobody: they need an approval again. ", len(back))
		text.WriteString(joinLines(back))
	}
	return text.String()
}

// joinLines joins those lines that are not empty and counts the others.
func joinLines(lines []string) string {
	shown := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return l == "" })
	text := strings.Join(shown, " ")
	if more := len(lines) - len(shown); more > 0 {
		text += fmt.Sprintf(" And %d more, which the pages of their batches name.", more)
	}
	return text
}
