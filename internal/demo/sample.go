package demo

// sample is one plausible application.
type sample struct {
	title, narrative, region, language string
	protocols                          []string
	host                               string
	amountSat                          int64
	days                               int // ago
	fate                               fate
}

// fate is how far a sample application has come.
type fate int

const (
	fateNew fate = iota
	fateOneVote
	fateReady
	fateAsked
	fateAnswered
	fateDeclined
	fateWithdrawn
	fateApproved
	fateFirstBatch
	fateSecondBatch
)

// story is the text of an application in one language; %s is a number of users.
type story struct {
	language, title, narrative string
	regions                    []string
}

var stories = []story{
	{"en", "Three WireGuard exits for phones on mobile data", "We run three small exits and pay for them ourselves. Traffic doubled after the last wave of blocks and the boxes are full every evening. The grant pays two larger servers and one spare address range that we move to when an address is blocked.", []string{"TR", "KE", "PK"}},
	{"ru", "SOCKS5-прокси для районных сетей", "Держим четыре прокси для соседей и небольших редакций. После каждой волны блокировок меняем адреса, поэтому счёт за серверы растёт. Грант закроет аренду на квартал и запасной канал.", []string{"RU", "BY", "KZ"}},
	{"fa", "سرورهای MTProto برای کاربران خانگی", "ما چهار سرور کوچک داریم و هزینهٔ آن‌ها را خودمان می‌پردازیم. شب‌ها سرعت کم می‌شود و نشانی‌ها زود مسدود می‌شوند. این کمک هزینهٔ سه ماه و دو نشانی تازه را پوشش می‌دهد.", []string{"IR", "AF"}},
	{"zh", "面向高校网络的 Shadowsocks 节点", "我们维护五个小节点，供学生查资料和与家人联系。晚上流量很大，线路经常被封，需要更换地址。资助将用于三个月的服务器费用和一条备用线路。", []string{"CN", "MM"}},
	{"es", "Servidores OpenVPN para periodistas locales", "Mantenemos seis servidores para redacciones pequeñas que no pueden publicar desde casa. Cada bloqueo nos obliga a cambiar de proveedor. La ayuda paga un trimestre de servidores y las pruebas.", []string{"VE", "NI", "CU"}},
	{"tr", "Ev kullanıcıları için VLESS sunucuları", "Üç sunucuyu gönüllü olarak işletiyoruz. Engellemelerden sonra adresleri sık değiştirmemiz gerekiyor ve akşamları kapasite yetmiyor. Destek, üç aylık kirayı ve bir yedek sunucuyu karşılayacak.", []string{"TR", "AZ"}},
	{"en", "MTProto proxies behind residential bridges", "Our proxies stay up because they look like nothing special. Forty people gave us a corner of their home line; the grant pays the small computers that we send them and the one server that ties them together.", []string{"IR", "UZ", "TM"}},
	{"ru", "MTProto-прокси для региональных новостей", "Прокси работают третий год, ими пользуются читатели четырёх региональных изданий. Нужны средства на два сервера в других сетях: нынешние адреса блокируют раз в неделю.", []string{"RU", "KG", "TJ"}},
	{"ar", "خوادم Trojan للطلاب", "ندير خمسة خوادم صغيرة يستعملها طلاب الجامعات للوصول إلى المراجع. نغيّر العناوين كل أسبوعين بسبب الحجب. المنحة تغطي كلفة ثلاثة أشهر وخادمًا احتياطيًا.", []string{"EG", "SY", "YE"}},
	{"my", "ကျောင်းသားများအတွက် WireGuard ဆာဗာများ", "ကျွန်ုပ်တို့သည် ဆာဗာသုံးလုံးကို ကိုယ်တိုင်ကုန်ကျခံ၍ လည်ပတ်နေပါသည်။ ပိတ်ဆို့မှုများကြောင့် လိပ်စာများကို မကြာခဏ ပြောင်းရပါသည်။ ဤအကူအညီသည် သုံးလစာ ဆာဗာခကို ပေးရန်ဖြစ်ပါသည်။", []string{"MM"}},
}

var storyProtocols = [][]string{
	{"wireguard"}, {"socks5"}, {"mtproto"}, {"shadowsocks"}, {"openvpn"}, {"vless"}, {"mtproto", "socks5"}, {"mtproto"}, {"trojan"}, {"wireguard", "openvpn"},
}

var sampleHosts = []string{"203.0.113.%d", "198.51.100.%d", "192.0.2.%d", "relay%d.example.net", "exit%d.example.org"}

// fates is how the sixty applications are spread, oldest first.
var fates = []struct {
	fate  fate
	count int
}{
	{fateFirstBatch, 8}, {fateSecondBatch, 6}, {fateDeclined, 4}, {fateWithdrawn, 1}, {fateApproved, 6}, {fateAnswered, 2},
	{fateAsked, 4}, {fateReady, 4}, {fateOneVote, 9}, {fateNew, 16},
}
