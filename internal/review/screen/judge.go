package screen

import (
	"fmt"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
)

func servers(s ServerFacts) Finding {
	f := Finding{Check: Servers}
	measured := s.Up + s.Down + s.Unknown + s.Unchecked
	switch {
	case measured == 0:
		f.Level = Med
		f.Reason = fmt.Sprintf("None of %s can be measured: the configuration is missing.", count(s.Listed, "server"))
	case s.Down == measured:
		f.Level = High
		f.Reason = fmt.Sprintf("%d of %s down at the latest check, and none is up.", s.Down, were(measured, "server"))
	case s.Down > 0:
		f.Level = Med
		f.Reason = fmt.Sprintf("%d of %s down at the latest check; %d up.", s.Down, were(measured, "server"), s.Up)
	case s.Listed > measured:
		f.Level = Low
		f.Reason = fmt.Sprintf(
			"%d of %s cannot be measured: the configuration is missing.",
			s.Listed-measured,
			count(s.Listed, "server"),
		)
	case s.Up < measured:
		f.Level = Low
		f.Reason = fmt.Sprintf(
			"%d of %s up at the latest check; %d not checked yet, %d without a clear result.",
			s.Up,
			were(measured, "server"),
			s.Unchecked,
			s.Unknown,
		)
	default:
		f.Reason = fmt.Sprintf("%d of %s up at the latest check.", s.Up, were(measured, "server"))
	}
	return f
}

func control(s ServerFacts) Finding {
	f := Finding{
		Check: Control,
		Reason: fmt.Sprintf(
			"The operator has proven control of %d of %s.",
			s.Proven,
			count(max(s.Listed, s.Proven), "server"),
		),
	}
	switch {
	case s.Proven == 0:
		f.Level = Med
	case s.Proven < s.Listed:
		f.Level = Low
	}
	return f
}

func address(g Group) Finding {
	f := Finding{Check: Address, Others: g.Some}
	switch {
	case g.Live > 0 || g.More:
		f.Level = High
		f.Reason = fmt.Sprintf("%s the same payout address: %s.", have(g), standing(g))
	case g.Ended > 0:
		f.Level = Med
		f.Reason = fmt.Sprintf("%s the same payout address: %s.", have(g), standing(g))
	default:
		f.Reason = "No other application has this payout address."
	}
	return f
}

func text(t TextFacts) Finding {
	f := Finding{Check: Text, Others: t.Some}
	if !t.Printed {
		f.Level, f.Reason = Low, "The statement was not compared: it has no fingerprint."
		return f
	}
	likeness := func(bits int) Level {
		switch {
		case bits <= sameText:
			return High
		case bits <= nearText:
			return Med
		case bits <= FarText:
			return Low
		}
		return Pass
	}
	closest := -1
	if t.Live > 0 {
		f.Level, closest = likeness(t.Nearest), t.Nearest
	}
	if t.Ended > 0 { // nobody is paid twice for one that has ended
		f.Level = max(f.Level, min(likeness(t.NearestEnded), Med))
		if closest < 0 || t.NearestEnded < closest {
			closest = t.NearestEnded
		}
	}
	if f.Level == Pass {
		f.Others, f.Reason = nil, "No statement like this one was found."
		return f
	}
	f.Reason = fmt.Sprintf(
		"%s a statement like this one (%s). The closest differs in %d of 64 bits; texts that have nothing in common differ in about 32.",
		have(t.Group),
		standing(t.Group),
		closest,
	)
	return f
}

// What two servers can share, by how much it says.
var (
	oneServer   = []string{"spec", "listen_ip", "exit_ip", "server_key", "secret", "replay"}
	oneNetwork  = []string{"listen_net", "exit_net"}
	oneProvider = []string{"exit_asn"}
)

// Shared returns every kind of link that Judge knows.
func Shared() []string {
	return append(append(append([]string{}, oneServer...), oneNetwork...), oneProvider...)
}

func links(l LinkFacts) Finding {
	if l.Known == 0 {
		return Finding{Check: Links, Level: Low, Reason: "The servers were not compared: too little is known of them."}
	}
	f := Finding{
		Check: Links,
		Reason: fmt.Sprintf(
			"No other open or approved application shares a server or a network with this one; %s compared.",
			were(l.Known, "trait"),
		),
	}
	for _, kind := range oneServer {
		g := l.By[kind]
		level := Pass
		switch {
		case g.Live > 0 || g.More:
			level = High
		case g.Ended > 0:
			level = Med
		}
		if level > f.Level {
			f = Finding{
				Links,
				level,
				fmt.Sprintf("%s a server with %s: %s.", have(g), sharing[kind], standing(g)),
				g.Some,
			}
		}
	}
	weaker := func(kinds []string, steps []step) {
		for _, kind := range kinds {
			g := l.By[kind]
			live := int64(g.Live)
			if g.More {
				live = MostLinks
			}
			if level := levelOf(live, steps); level > f.Level {
				f = Finding{
					Links,
					level,
					fmt.Sprintf("%s a server %s: %s.", have(g), sharing[kind], standing(g)),
					g.Some,
				}
			}
		}
	}
	weaker(oneNetwork, sameNetwork)
	weaker(oneProvider, sameProvider)
	return f
}

// sharing says in a sentence what is shared.
var sharing = map[string]string{
	"spec":       "the same configuration",
	"listen_ip":  "the same address",
	"exit_ip":    "the same exit address",
	"server_key": "the same key or certificate",
	"secret":     "the same secret",
	"replay":     "the same process behind it",
	"listen_net": "in the same network (/24 or /48)",
	"exit_net":   "with its exit in the same network (/24 or /48)",
	"exit_asn":   "with its exit at the same provider",
}

func burst(b BurstFacts) Finding {
	f := Finding{Check: Burst}
	// An hour of the usual rate is counted in thousandths of an application.
	usual := int64(1000)
	if b.Before >= fewest && b.Span > 0 {
		usual = max(usual, int64(b.Before)*1000*int64(time.Hour/time.Second)/max(int64(b.Span/time.Second), 1))
	}
	others := int64(b.Others)
	for _, s := range bursts {
		if others >= s.others && others*1000 >= s.times*usual {
			f.Level = s.level
		}
	}
	rate := fmt.Sprintf("usually %d.%d an hour", usual/1000, usual%1000/100)
	if b.Before < fewest {
		rate = fmt.Sprintf("too few came before, %d, to know what is usual", b.Before)
	}
	if others == 0 {
		f.Reason = fmt.Sprintf("No other application came within 30 minutes of this one (%s).", rate)
		return f
	}
	f.Reason = fmt.Sprintf(
		"%s came within 30 minutes of this one (%s).",
		many(b.Others, b.Others > Most, "other application"),
		rate,
	)
	return f
}

func amount(m MoneyFacts) Finding {
	f := Finding{Check: Amount}
	limits := fmt.Sprintf("The fund pays %s to %s sat.", sat(m.Min), sat(m.Max))
	switch {
	case m.Amount < m.Min || m.Amount > m.Max:
		f.Level = High
		f.Reason = fmt.Sprintf("%s sat is outside the fund's limits. %s", sat(m.Amount), limits)
	case m.Grants >= fewestGrants && m.Median > 0:
		permille := permilleOf(m.Amount, m.Median)
		f.Level = levelOf(permille, ofMedian)
		f.Reason = fmt.Sprintf(
			"%s sat is %s %% of the median of the newest %d grants, %s sat. %s",
			sat(m.Amount),
			money.FormatPermille(permille),
			m.Grants,
			sat(m.Median),
			limits,
		)
	default:
		permille := permilleOf(m.Amount, m.Max)
		f.Level = levelOf(permille, ofMaximum)
		f.Reason = fmt.Sprintf(
			"%s sat is %s %% of the most that the fund pays. %s There is no median yet: %s.",
			sat(m.Amount),
			money.FormatPermille(permille),
			limits,
			count(m.Grants, "other grant"),
		)
	}
	return f
}

// permilleOf rounds up, so that an amount just above a threshold is above it.
func permilleOf(part, whole btcutil.Amount) int64 {
	if whole <= 0 {
		return 0
	}
	return (int64(part)*1000 + int64(whole) - 1) / int64(whole)
}

func sat(a btcutil.Amount) string { return money.Group(a, " ") }

func count(n int, what string) string { return many(n, false, what) }

func many(n int, more bool, what string) string {
	number := strconv.Itoa(n)
	if more {
		number = "More than " + strconv.Itoa(n-1)
	}
	if n == 1 && !more {
		return "1 " + what
	}
	return number + " " + what + "s"
}

func were(n int, what string) string {
	if n == 1 {
		return "1 " + what + " was"
	}
	return count(n, what) + " were"
}

// have begins a sentence about how many others have something.
func have(g Group) string {
	n := g.Live + g.Ended
	switch {
	case g.More:
		return "More than " + strconv.Itoa(n) + " other applications have"
	case n == 1:
		return "1 other application has"
	}
	return strconv.Itoa(n) + " other applications have"
}

// standing says how far the others have come.
func standing(g Group) string {
	words := fmt.Sprintf("%d open or approved, %d declined or withdrawn", g.Live, g.Ended)
	if g.More {
		return words + ", and more that were not counted"
	}
	return words
}
