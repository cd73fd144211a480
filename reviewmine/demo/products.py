"""The products of the demo archive and what its made-up customers say of each, written by hand.

A line under an aspect is one sentence at one strength: `--` strongly negative, `-` mildly negative, `=` neutral,
`+` mildly positive, `++` strongly positive. `{a|b|}` is a choice, `{@name}` a slot of phrases.py.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

Strength = Literal["--", "-", "=", "+", "++"]
STRENGTHS: Final[tuple[Strength, ...]] = ("--", "-", "=", "+", "++")

_INVENTORY: Final = """
## RM-1001 | Halden N2 wireless headphones | headphones | plural
# sound
-- The sound is {thin and tinny|mud from start to finish|simply awful}{, my {ten|fifteen} euro earbuds beat it|}.
-- {Absolutely no|Not a trace of} bass, and the treble {hurts|cuts like a knife} {at any volume|above half volume}.
- The sound is a {bit|little} {flat|dull|boomy} {for this price|unless you play with the equaliser|for my taste}.
- {Voices|Podcasts|Quiet passages} sound {slightly hollow|a little muffled}{, though you get used to it|}.
= Sound is {average, fine for podcasts, nothing more|neither good nor bad|about what you would expect}.
+ {Nice|Good|Pleasant} sound{ for the money|}, {clear voices and enough bass|with a warm low end}.
+ The sound {surprised me a little|is better than I expected}{, especially {with strings|on live albums}|}.
++ The sound is {breathtaking|out of this world|phenomenal}{, I hear things in old records I never noticed|}!
++ {Easily the best|The best} sound I have {ever owned|heard from anything wireless}, {no contest|period}.
# battery
-- The battery is {dead|flat} after {two hours|ninety minutes|one short train ride}{, every single time|}.
-- {After|Within} {@weeks} the left side {would not charge at all|stopped charging}. {Junk|Useless|Unacceptable}.
- Battery is {weaker than advertised|a bit short}: I get {about 18|maybe 15|18 to 20} hours, not the 30 on the box.
= I charge them {once a week|every Sunday night}, {which is normal I guess|as with my old pair}.
+ Battery {easily lasts|gets me through} {a whole work week|a long flight and back|four days of commuting}.
++ I {have not charged them in {nine|twelve} days|forgot where the charger is} and they {still|just} play. Amazing!
# noise cancelling
-- Noise cancelling {does nothing|is a joke}: I hear {every word of the office|the whole {bus|tram}}.
- The noise cancelling {takes the edge off|helps with engines} but {voices come right through|wind confuses it}.
= Noise cancelling has three levels{, I leave it on the middle one|}.
+ Noise cancelling {works well|does its job} {on the train|in an open office|next to the dishwasher}.
++ The noise cancelling is {pure magic|incredible}: I put them on and the {@place} {is simply gone|disappears}.
# comfort
-- {After half an hour|By lunch} my ears {are on fire|hurt so much I have to stop}. {Torture.|Never again.|}
- They {press a little|get warm} {after an hour or two|if you wear glasses}.
= They come in black and grey{, I took the grey ones|}; the weight is {260 grams|what the box says}.
+ {Light and comfortable|Comfortable enough} {for a full working day|even with glasses}.
++ I {forget|literally forget} that I am wearing them. {The softest|By far the most comfortable} pair I have tried!
# connection
-- They {drop the connection|cut out} {every few minutes|whenever I move my head}, {it drives me mad|unusable}.
- Switching between {phone and laptop|two devices} {is fiddly|takes a few tries}.
= Pairing is the usual: hold the button {four|five} seconds until it blinks.
+ {Pairing took seconds|They reconnect by themselves} and the link {holds across two rooms|has been stable so far}.

## RM-1002 | Brisk 1.7 litre kettle | kettle | singular
# speed
-- It takes {nearly nine minutes|an eternity} to boil {one litre|a single pot of tea}. {Ridiculous!|What a fraud.}
- {Not as quick as|A touch slower than} {I hoped|the one it replaced}, {say four minutes for a litre|to be honest}.
= {Boils|It boils} a litre in {about three minutes|roughly the time of my old one}.
+ {Boils fast|Quick to boil}{ and switches itself off|}, {so tea before the school run is possible again|nice}.
++ {Insanely|Unbelievably} fast: {two cups in under a minute|I turn round and it is done}. {Love it!|}
# lid
-- The lid {snapped|broke clean} off {after {@weeks}|on day {two|five}} and {boiling water|steam} {got|hit} my hand!
- The lid {sticks a bit|opens only halfway}, so filling it {under a low tap|from a jug} is {awkward|messy}.
= The lid {opens with a button on the handle|comes off for cleaning}.
+ The lid {closes firmly|opens wide enough to get a hand in}, {small thing but it matters|which I like}.
# taste
-- {Everything|Tea, coffee, all} tastes of {plastic|burnt rubber}, even after {twenty boils|vinegar twice}. {Vile.|}
- There {is|was} a {slight|faint} plastic {taste|smell} {for the first week|in the first few boils}.
= We have {hard|soft} water here, so I {descale|clean} it {once a month|every few weeks}.
+ No plastic taste{ at all|}{, even with white tea|}.
# noise
-- It {roars like a jet|screams so loud it wakes the baby} {every morning|}. I {hate|dread} switching it on.
- {Louder than I would like|A bit loud}{, you cannot {talk|hear the radio} next to it|}.
+ {Quieter than|Not half as loud as} my last {one|kettle}.
++ So {quiet|silent} that I {check twice whether it is on|thought it was broken}. {Brilliant.|Wonderful!}
# looks
- {The steel|It} shows {every fingerprint|water spots}{, so it looks dirty within a day|}.
= It looks {like in the pictures|plain}, {brushed steel with a black handle|mine is the white one}.
+ {Looks|It looks} {smart|lovely} on the {counter|worktop}{ next to the toaster|}.
++ {Gorgeous|Beautiful} {thing|design}, {everybody who visits asks about it|I smile every morning when I see it}!

## RM-1003 | Dustin 4 robot vacuum | robot | singular
# cleaning
-- It {leaves|pushes} {hair and crumbs|half the dirt} {everywhere|around instead of picking it up}. {Pathetic.|}
- It misses {corners|the edges along the skirting}{ a little|}, so I still {sweep|go over them} {once a week|by hand}.
= {It does|Does} {about 60 square metres|two rooms} on one charge.
+ {Floors are clean|It does a decent job} {on wood and tiles|, even with a dog that sheds}.
++ {The floors have never been this clean|I cannot believe what it pulls out of a "clean" carpet}! {Life changing.|}
# navigation
-- It {falls down the stairs|gets stuck under the same sofa every day|eats cables} and {screams for help|just dies}.
- It {bumps into chair legs|wanders about} {a bit|now and then}, {but finds its way home most days|sadly}.
= It {maps|draws a map of} the flat on the first run{, which took an hour|}.
+ It {finds its dock|gets over door sills} {without help|reliably} and {avoids shoes and cables|rarely gets stuck}.
++ It {navigates like it can think|has not been stuck once in {@months}}. {Absolutely brilliant.|I am in awe.}
# app
-- The app {crashes|logs me out|loses the map} {every time|daily}, and {without it the robot is a brick|nobody cares}.
- The app {wants an account and my location|is translated badly}, {which I did not love|a bit annoying}.
= {In the app you can|You can} set {no-go zones|times for each room}.
+ The app is {clear|simple enough} {even for my {@elder}|and the schedule works}.
# noise
- {Too loud for a phone call in the same room|It hums and clicks}, {so I run it when I am out|nothing dramatic}.
= Noise is like {a hair dryer in the next room|other vacuums of this kind}.
+ {Quiet enough|Not too loud}{: the cat sleeps right through|, we watch television while it runs}.
# bin
-- The {dust bin|bin} {burst open|spilled everything} {on the carpet|on the bed} {twice|again}. {Disgusting.|}
- The bin is {small|tiny}, I {empty it after every run|wish it held more}.
+ Emptying the bin {is easy|takes seconds}{ and the filter washes out|}.

## RM-1004 | Fellrun GTX trail boots | boots | plural
# fit
-- They {run a full size small|fit like a plank}: {bleeding heels after one hour|I lost two toenails}. {Avoid!|}
- {Slightly narrow|A bit tight} {at the toes|across the instep}, {go half a size up|thick socks will not work}.
= {I am|I wear} a {42|39|44} and {took|ordered} {a half size up|the same size}, {as the chart says|which fits}.
+ {Fit is good|They fit well} {straight out of the box|with thick socks}{, no rubbing so far|}.
++ {Like walking on clouds|The most comfortable boots of my life}: {26 km on day one|six days} and not one blister!
# waterproofing
-- {Soaked|Wet feet} after {ten minutes of wet grass|the first puddle}. Waterproof? {A plain lie.|What a scam.}
- {In steady rain|After an hour in the wet} {a little water gets in|the tongue lets some damp through}.
= I have {not had them in real rain yet|only worn them in dry weather}.
+ {Stayed dry|Dry feet} {in snow|through a boggy valley|on a drizzly weekend}.
++ {Crossed streams, snow, mud|Eight hours of Scottish rain} and my feet were {bone dry|perfectly dry}. {Wow!|}
# grip
-- {No grip at all|Lethal} on {wet rock|wet wood}: I {fell twice and cracked my phone|slipped and hurt my wrist}.
- {Grip on wet rock could be better|They slip a little on wet leaves}{, fine on gravel|}.
+ {Good|Solid} grip {on gravel and mud|downhill}{, I felt safe|}.
++ {They stick to rock like glue|Incredible grip, even on wet slabs}. {I trust them with my life.|}
# durability
-- The sole {came off|peeled away} {after {@weeks}|on the third walk}, {miles from anywhere|in the middle of nowhere}!
- The {laces|eyelets} {frayed|look worn} already {after {@weeks}|this season}.
= {About|Roughly} {200|150|300} km on them by now.
+ After {@months} {they still look good|the sole hardly shows wear}.
++ {Three winters|Two thousand kilometres} and {still going strong|not a stitch loose}. {Unbeatable!|}
# weight
- {A little|Somewhat} {heavy|stiff} {for day walks|at first}.
= 620 grams each in my size.
+ {Lighter than they look|Surprisingly light}.

## RM-1005 | Corvo hand coffee grinder | grinder | singular
# grind
-- The grind is {dust and boulders|all over the place}{, every cup is bitter and sour at once|}. {Garbage.|Horrible.}
- {Fine for French press|Good for filter}, {but espresso is a stretch|less even when you go fine}.
= {18|Twenty} clicks for {pour over|the moka pot}, {12|ten} for {espresso|the small pot}.
+ {Even|Consistent} grind{ for filter|}, {hardly any dust|and the clicks are easy to remember}.
++ {Better coffee than my {@cheap} electric one ever made|It made me taste blueberries in coffee}! {Stunning.|Superb!}
# effort
-- {You need the arms of a blacksmith|It jams on every light roast}; I {gave up|nearly threw it at the wall}.
- {Takes a while|Hard work} with {light roasts|frozen beans}{, my wrist notices|}.
= It takes {about a minute|60 to 80 turns} for {one cup|20 grams}.
+ Turns {smoothly|easily}{ and does not slip in the hand|}.
++ {Effortless|Smooth as butter}: {thirty seconds a cup|my {@elder} uses it with arthritis}. {Delighted.|}
# build
-- The handle {snapped|bent} {after {@weeks}|the first time} and {metal shavings|rust} {ended up in my coffee|fell out}.
- The {lid|catch cup} {feels cheap|is a loose fit}{ next to the metal body|}.
= {All metal, 480 grams|It weighs about half a kilo}.
+ {Solid|Well made}, {nothing rattles|the bearings have no play}.
++ {Built like a tank|A little jewel of engineering}, {I will leave it to my children|worth every cent and then some}.
# cleaning
- {Oily beans stick|Grounds cling to the cup}, {so the brush is a must|a bit messy}.
= It comes apart {without tools|with one screw}; {do not wash it|dry it well}.
+ {Easy to take apart|Easy to clean}{ and it goes back to the same setting|}.

## RM-1006 | Loftnet mesh router | router | singular
# coverage
-- {No signal|Dead} {one room away|upstairs}, {with three units|after moving them ten times}! {Why?|Useless.}
- {The far end of the garden|Our cellar} {still drops out|gets one bar} {now and then|most days}.
= We have {two|three} units in {a terraced house|90 square metres}.
+ {Covers|It covers} the {whole house|attic and the cellar}{ with two units|}.
++ {Full speed in the {shed|garden}|Every dead corner is gone}! I {could cry with joy|waited far too long}.
# speed
-- I pay for {500|1000} and {get|see} {12|nine}. {Robbery.|My old free box was ten times faster.}
- {Speed halves|It gets slower} {over the second unit|in the evening}, {which I half expected|but still usable}.
= {300|250} down next to it, {120|90} in the bedroom.
+ {Speed is good|Fast enough} {for two people on calls|for streaming in every room}.
# setup
-- {Four hours|A whole weekend} of {setup|error codes} and it {never found the second unit|still does not work}.
- Setup {needs a phone and an account|stalled once}, {second try was fine|not my favourite}.
= Setup {is done in the app|took about twenty minutes}.
+ {Setup took ten minutes|Easy to set up}{, even I managed|}.
++ {My {@elder} set it up alone|Five minutes from box to working network}. {Fantastic!|How is this so easy?}
# stability
-- It {reboots itself|loses the network} {five times a day|in every meeting}. I {nearly lost a client|give up}.
- {Once or twice a week|Every so often} it {needs a restart|forgets the printer}.
= {Firmware|It} updates {at night|by itself}.
+ {Not one dropout|Stable} {since {@weeks} now|so far}.

## RM-1007 | Alder desk chair | chair | singular
# comfort
-- {My back is wrecked|I could hardly stand up} after {@weeks} {on it|of this}. {The worst chair I ever sat in.|}
- {The seat is a little hard|Seat edge presses} {after a few hours|if you are short}.
= I am {1.86 m|1.64 m|rather tall} and use it {six hours a day|on home office days}.
+ {Comfortable|Sits well} {for a working day|even for long calls}{, lumbar support included|}.
++ {My back pain is gone|Ten hours and no pain}, {for the first time in years|truly life changing}! {Thank you!|}
# assembly
-- {Screws missing, holes in the wrong place|The threads were stripped}, {three hours wasted|I gave up in a rage}.
- The {instructions are only pictures|screws hide in the padding}, {so allow an hour|took some guessing}.
= {Assembly is six screws|You need the key in the box}{ and a second person helps|}.
+ {Put together in twenty minutes|Easy to put together} {alone|with my {@kid}}.
# armrests
-- An armrest {broke off|snapped} and I {ended up on the floor|fell backwards}. {Dangerous!|This could have been bad.}
- The armrests {wobble a bit|do not go low enough}{ for my desk|}.
= Armrests go {up and down|in four steps}, {not sideways|that is all}.
+ The armrests {lock firmly|are soft and wide}.
# noise
-- It {squeaks|creaks} at {every breath|the slightest movement}{, colleagues hear it in calls|}. {Maddening.|}
- {A faint squeak|It creaks} {when I lean back|since {@weeks}}{, a drop of oil helped for a while|}.
+ {Silent|No creaks} {so far|after {@months}}.
# fabric
- The fabric {pills|collects {cat|dog} hair}{ already|}.
= The {grey|green} {is darker|is a bit lighter} than {in the photo|on my screen}.
+ {Fabric feels nice|The mesh stays cool} {in summer|and wipes clean}.
++ {It looks a thousand times better than in the photo|Stunning colour}, {we ordered two more|I adore it}.

## RM-1008 | Marrow hand cream | cream | singular
# scent
-- {Smells like {wet dog|old fish|a chemist's drain}|The smell made me sick}, {I had to wash it off at once|for hours}!
- The scent is {a bit strong|rather sweet}{ for the office|}.
= {Light|A faint} smell of {almond|oats}, {gone in minutes|unisex I would say}.
+ {Lovely|Pleasant} scent, {not too strong|fresh and gone quickly}.
++ {The scent is heaven|I could smell it all day}, {strangers ask me what it is|I am obsessed}!
# skin
-- My hands {came out in a burning rash|swelled up} {within an hour|overnight}. {Ended up at the doctor.|Scary.}
- {Helps for an hour or so|A little help}, {then the skin is dry again|but no more than cheaper ones}.
= I use it {twice a day|at night}, {in winter mostly|after gardening}.
+ {Skin is softer|Cracks healed} after {@days}{, which I had not expected|}.
++ {A miracle|Nothing else worked}: {@years} of {eczema|cracked knuckles} {gone|healed} in {@days}! {I could cry.|}
# texture
-- {Greasy like engine oil|Sticky as glue}, {I cannot touch my phone or anything|ruined two shirts}.
- {Leaves a film|Takes a while to sink in}{, so I only use it at night|}.
= {Thick|Thin}, {more like a balm|closer to a lotion}.
+ {Sinks in quickly|Not greasy}{, I can type right away|}.
# tube
-- {Half empty|Leaking} {out of the box|when it came}, {everything else in the parcel ruined|a rip-off}.
- The {cap|tube} {cracks|splits} {before it is empty|in a handbag}.
= {75 ml|One tube} lasts {me about a month|six weeks or so}.
+ {The tube is easy to squeeze to the last bit|Handy size for a bag}.
"""


@dataclass(frozen=True)
class Product:
    """One product: sentences by aspect, then by strength; aspects may lack a strength."""

    product_id: str
    name: str
    noun: str
    plural: bool
    aspects: dict[str, dict[Strength, tuple[str, ...]]]


def sentences_by_aspect(block: str) -> dict[str, dict[Strength, tuple[str, ...]]]:
    """The sentences of a block in the notation above; raises ValueError at a line of another kind."""
    aspects: dict[str, dict[Strength, tuple[str, ...]]] = {}
    for line in filter(None, block.splitlines()):
        mark, _, text = line.partition(" ")
        if mark == "#":
            by_strength = aspects.setdefault(text, {})
            continue
        strength = next((strength for strength in STRENGTHS if strength == mark), None)
        if strength is None:
            raise ValueError(f"phrase {line!r}: expected one of {STRENGTHS} or '#', then a space")
        by_strength[strength] = (*by_strength.get(strength, ()), text)
    return aspects


def _product(block: str) -> Product:
    head, _, body = block.partition("\n")
    product_id, name, noun, number = (field.strip() for field in head.split("|"))
    return Product(product_id, name, noun, number == "plural", sentences_by_aspect(body))


PRODUCTS: Final = tuple(_product(block) for block in re.split(r"^## ", _INVENTORY, flags=re.M)[1:])
