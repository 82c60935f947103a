package grant

import "strings"

// A designation is one word of each list: 2^24 of them, drawn at random and unique in
// a fund, so that two operators are never "flint nightjar" before the same reviewers.
// Each list holds 256 words, and no word stands in two of them.
var (
	designationFirst = strings.Fields(`
		able agile airy alert amiable ample amused apt aquatic arctic ardent attentive austral autumn avid balmy
		blithe bold bonny boreal brave breezy bright brisk bubbly busy calm candid careful central cheery chipper
		civic civil clean clear clever close coastal compact cool cordial cosmic cosy crisp curious daily dainty
		dapper daring dawning deep deft dense dewy diligent direct distant dreamy dry durable dusky dutiful dynamic
		eager early earnest earthy east easy elastic elated eminent endless epic equal exact fabled fair faithful
		famous fancy far fast festive fine firm fleet flexible floral fluent foggy fond formal frank fresh friendly
		frisky frosty frugal gallant genial gentle gifted glad global gracious grand grateful great handy happy hardy
		harmonic hearty helpful homely honest hopeful humble ideal inland intent inventive jaunty jolly jovial joyful
		keen kind kindly kindred leafy level liberal light likely little local lofty logical lucid lucky lunar mellow
		merry mighty mild mindful misty modern modest moonlit musical mutual nearby neat neighborly nimble noble
		northern novel oaken open orderly ornate patient peaceful placid playful plucky poetic polite precise prime
		prompt proper proud quaint quick quiet radiant rapid rare ready regal rested restful robust rolling rooted
		rosy round rugged rural rustic sandy scenic serene shiny simple sleek smart smooth snowy social solar solemn
		solid sonic southern spacious spirited sporty spry stable starry stately steady steep sturdy subtle summery
		sunlit sunny supple swift tender thankful tidal tidy timely tranquil trim trusty upbeat urban valiant verdant
		vernal versatile vibrant vigilant vital vivid warm wavy western windy winsome winter wise witty wooded worthy
		zesty`)
	designationSecond = strings.Fields(`
		agate alabaster alder almond alpine amber amethyst anise apricot aqua argent ash aspen azure balsa bamboo
		barley basalt basil beech beige beryl birch bisque bistre blue bluff bonfire brass bronze buff burlap butter
		cactus cambric caramel carbon cardinal carmine carnelian cashew cedar celadon celery cement cerise charcoal
		cherry chestnut chiffon chrome cinder cinnabar cinnamon citrine citrus clay clover cobalt cocoa coconut coffee
		coral cork corn cotton cream crimson crystal cumin cyan cypress damask denim diamond dune ebony ecru elm
		emerald enamel fawn feldspar felt fern fig flannel flax flint forest fuchsia garnet garnish gilt ginger glass
		gold gouache granite grape graphite grass gravel green grey gypsum hazel heather henna hickory honey indigo
		ink iris iron ivory jade jasmine jasper jet juniper jute kaolin khaki lapis larch laurel lava lavender lead
		leather lemon lichen lilac lime linden linen loam magenta magnolia mahogany maize malachite maple marble
		marigold maroon marsh mauve melon mica mint mocha moss mulberry muslin mustard myrtle navy nickel nutmeg oak
		oat obsidian ochre olive onyx opal orange orchid oxide paper parchment parsley peach pearl peat pecan pepper
		peridot pewter pine pink plaid plum poppy porcelain primrose pumice purple quartz quill quince raffia
		raspberry rattan resin rice rose rosewood ruby russet rye saffron sage salt sandalwood sapphire satin
		satinwood scarlet sepia sequoia sesame shale shell sienna silk silver slate snowdrop spruce steel stone straw
		sulphur tallow tangerine tartan taupe teak teal terracotta thistle thyme tin titanium topaz tulip turquoise
		tweed umber vanilla velvet vermilion violet walnut water wax wheat willow wine wisteria wool yew zinc`)
	designationThird = strings.Fields(`
		acorn alcove anchor antelope arbor arrow atlas aurora avenue badger balcony basin beacon beaver bison boat
		bobcat boulder bouquet bower brae bramble bridge brook buffalo bunting buoy burrow buzzard cabin cairn
		camellia canal canoe canyon caribou carousel cascade castle cavern chamois chapel chart chime citadel cliff
		cloud cockatoo comet compass condor cormorant cottage cove crane creek crest cricket crossing curlew current
		daffodil dale dam dell delta dipper dolmen dolphin dormouse dove dragonfly eagle easel echo egret eider elk
		ermine estuary falcon ferry finch fjord flamingo foothill fountain fox gable galaxy galleon garden gate
		gazelle gecko geyser glacier glade glen glider gopher gorge grotto grouse grove gulf hamlet hammock harbor
		harp harrier hawk heath hedge hedgehog heron hoopoe horizon hornbill ibex ibis iceberg inlet isthmus jaguar
		jetty kayak kestrel kingfisher kite kiwi knoll lagoon lake lantern lapwing lark ledge lemur leopard lighthouse
		linnet llama lodge lorikeet lynx macaw mallard manatee mandolin marmot meadow meander merlin mesa meteor
		minnow mongoose moor moorhen moraine mountain narwhal nebula newt nightjar nuthatch oasis observatory ocean
		ocelot orca orchard oriole osier osprey otter outpost owl oxbow oyster paddle panther parrot pasture pavilion
		pebble pelican penguin peninsula petrel pheasant pika pipit planet plateau plover pond porcupine porpoise
		prairie puffin puma quail quarry quay raccoon raven reef reindeer ridge river shore siskin skerry skylark
		snipe spire spring starling stork strait stream summit swallow swan tapir tarn tern terrace thicket thrush
		tide tor toucan tower trail trout tundra turtle valley viaduct village vireo vole wagtail walrus warbler
		weaver whale wharf wigeon woodcock wren yak zebra`)
)
