package grant

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// OtherRegion stands for a country that an applicant does not want to name.
const OtherRegion = "other"

// countries are the codes of ISO 3166-1, and Kosovo's, which all CLDR data knows.
var countries = strings.Fields(`
	AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
	CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
	GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
	KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
	MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
	SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ
	UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW`)

// isRegion reports whether code is that of a country, or OtherRegion.
func isRegion(code string) bool {
	_, known := slices.BinarySearch(countries, code)
	return known || code == OtherRegion
}

// isLanguage reports whether code is the shortest one of a language that people speak
// (ISO 639): "ru" and not "rus", and none of those for no or several languages.
func isLanguage(code string) bool {
	base, err := language.ParseBase(code)
	if err != nil || base.String() != code || base.IsPrivateUse() {
		return false
	}
	return !slices.Contains([]string{"und", "zxx", "mul", "mis", "iw", "in", "ji", "mo"}, code)
}
