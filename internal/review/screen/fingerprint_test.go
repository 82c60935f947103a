package screen_test

import (
	"math/bits"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/review/screen"
)

var (
	key  = []byte("0123456789abcdef0123456789abcdef")
	fund = uuid.MustParse("0198c0de-0000-7000-8000-000000000001")
)

// statements have nothing in common.
var statements = []string{
	"We run three small exits and pay for them ourselves. Traffic doubled after the last wave of blocks and the boxes are full every evening. The grant pays two larger servers and one spare address range that we move to when an address is blocked.",
	"Students in our city cannot open the pages of their own university. A proxy on a rented machine in the next country works, but the rent is due each quarter and the club has no income. Eighty people use it on a usual evening.",
	"Мы держим два сервера для районных сетей. После осенних блокировок поток вырос втрое, и старых машин не хватает. Грант оплатит аренду на год и запасной адрес, на который мы переходим, когда основной закрывают.",
	"ما سه سرور کوچک داریم و هزینه\u200cی آن را خودمان می\u200cپردازیم. پس از موج آخر فیلترینگ، بار دو برابر شده است و هر شب ظرفیت پر می\u200cشود. این کمک هزینه\u200cی دو سرور بزرگ\u200cتر را می\u200cدهد.",
	"我们为高校网络运行三台小型出口服务器，费用由我们自己承担。上一轮封锁之后流量翻倍，每天晚上机器都满载。资助将用于两台更大的服务器和一个备用地址段。",
}

func TestFingerprintsOfNearlyTheSameTextAreClose(t *testing.T) {
	t.Parallel()
	of := func(text string) uint64 { return screen.Fingerprint(key, fund, text) }
	for _, text := range statements {
		a := of(text)
		for name, same := range map[string]string{
			"in capitals": strings.ToUpper(text), "without stops": strings.NewReplacer(".", "", ",", "", "。", "", "，", "").Replace(text),
			"on lines": strings.ReplaceAll(text, " ", "\n\n"), "with invisible characters": strings.ReplaceAll(text, "e", "e\u200b\u2060"),
			"said twice": text + "\n" + text,
		} {
			most := 0
			if name == "said twice" {
				most = 7 // one pair of words more, where the end meets the beginning
			}
			if d := distance(a, of(same)); d > most {
				t.Errorf("%.20q %s differs in %d bits", text, name, d)
			}
		}
		words := strings.Fields(text)
		if len(words) < 10 {
			continue
		}
		words[len(words)/2] = "another"
		if d := distance(a, of(strings.Join(words, " "))); d > screen.FarText {
			t.Errorf("%.20q with one word changed differs in %d bits", text, d)
		}
	}
}

func TestFingerprintsOfUnlikeTextsAreFarApart(t *testing.T) {
	t.Parallel()
	for i, a := range statements {
		for _, b := range statements[i+1:] {
			if d := distance(screen.Fingerprint(key, fund, a), screen.Fingerprint(key, fund, b)); d <= 2*screen.FarText-4 {
				t.Errorf("%.20q and %.20q differ in %d bits", a, b, d)
			}
		}
	}
}

// TestAFingerprintTellsNothingWithoutItsKey holds that whoever guesses a text
// cannot tell whether it is the one, and that two funds cannot be compared.
func TestAFingerprintTellsNothingWithoutItsKey(t *testing.T) {
	t.Parallel()
	other := []byte("another key, of the same length.")
	for _, text := range append(statements, "", "word", "!?") {
		a := screen.Fingerprint(key, fund, text)
		for name, b := range map[string]uint64{"another key": screen.Fingerprint(other, fund, text), "another fund": screen.Fingerprint(key, uuid.Nil, text)} {
			if d := distance(a, b); d <= screen.FarText {
				t.Errorf("%.20q under %s differs in %d bits alone", text, name, d)
			}
		}
		if screen.Fingerprint(key, fund, text) != a {
			t.Errorf("%.20q has two fingerprints", text)
		}
	}
}

func FuzzFingerprint(f *testing.F) {
	for _, text := range append(statements, "", " ", "a", "\xff\xfe", "a\u0301\u200f", strings.Repeat("x ", 3000)) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := screen.Fingerprint(key, fund, text)
		if b := screen.Fingerprint(key, fund, "  "+text+"\n."); a != b {
			t.Errorf("%q: %x, and %x with space around it", text, a, b)
		}
	})
}

// distance is in how many bits two fingerprints differ, as the database counts them.
func distance(a, b uint64) int { return bits.OnesCount64(a ^ b) }
