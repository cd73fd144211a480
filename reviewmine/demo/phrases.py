"""What the made-up customers of the demo archive say besides the product itself, written by hand.

The notation is that of products.py; `{@name}`, `{@noun}`, `{@noun_one}`, `{@it}` and `{@this}` are filled per product.
What identifies somebody is in personal.py.
"""

from typing import Final

from reviewmine.demo.products import Strength, sentences_by_aspect

SLOTS: Final = {
    "days": ("two days", "three days", "five days", "a week", "ten days"),
    "weeks": ("two weeks", "three weeks", "a week", "five weeks", "six weeks", "a month"),
    "months": ("two months", "four months", "half a year", "eight months", "a year"),
    "years": ("two years", "six years", "ten years", "twenty years"),
    "person": (
        "wife",
        "husband",
        "sister",
        "brother",
        "daughter",
        "son",
        "mother",
        "flatmate",
        "boss",
        "partner",
    ),
    "elder": ("grandmother", "father", "mother-in-law", "neighbour, 82,", "uncle"),
    "kid": ("daughter", "six-year-old", "nephew", "teenager"),
    "place": ("office", "tram", "street", "plane", "nursery"),
    "cheap": ("cheap", "old", "supermarket", "second-hand"),
    "occasion": ("Christmas", "a birthday", "our anniversary", "Mother's Day", "a house-warming"),
    "shop": ("the local shop", "a discount site", "the big store in town", "the maker's own site"),
}

GENERAL_ASPECTS: Final = sentences_by_aspect("""
# price
-- {A rip-off|Daylight robbery}: {the same thing costs half elsewhere|you pay for the name and nothing else}.
- {A bit|Somewhat} {pricey|expensive} for what you get{, wait for a sale|}.
- {Cheaper|Twenty less} {at|in} {@shop}{, as I saw later|}.
= {I paid {59|79|45|129} {euros|dollars}|Bought in the spring sale}{, the price has changed since|}.
+ {Good value|Fair price}{ compared with {the big brands|similar ones}|}.
++ {An absolute steal at this price|Worth every penny and more}!
# delivery
-- {Came|Arrived} {nine days|two weeks} late, {box crushed|left in the rain}, {and nobody cares|no apology}.
- Delivery {took longer than promised|was {a day|two days} late}{, not the end of the world|}.
- The {courier|driver} {left it with a neighbour|rang once and drove off}{, so I had to fetch it|}.
= {Arrived|Delivered} {on the day given|on a Tuesday|in four days}.
+ {Quick delivery|Arrived a day early}{ and well packed|}.
+ {Ordered on Sunday, here on Tuesday|The parcel came quickly}{, in one piece|}.
# packaging
- {Far too much plastic|A huge box for a small thing}{, please change that|}.
- {Box was dented|The seal was broken}{, contents fine|}.
= {Comes in a plain carton|The box holds the {@noun}, a cable tie and a leaflet}.
+ {Nicely packed|No plastic in the box}{, good as a present|}.
# support
-- Support {hung up on me|wants photos, videos, then silence|has ignored me for {@weeks}}. {Shame on you.|Thieves.|}
-- {Eleven mails|Six calls} to customer service and {not one answer|only copied phrases}. {I want my money back!|}
- Support {answered after {@days}|is only there in the morning}{, then it went fine|}.
- {Was sent from one desk to the next|The chat is a robot}{ before somebody helped|}.
= I {registered it for the three-year warranty|wrote to support about the manual} {last week|}.
+ Support {answered the same day|sent a spare part for free}.
++ Support was {unbelievably kind|outstanding}: {new one the next day, no questions|they called back on a Sunday}!
# instructions
- The manual is {tiny print in nine languages|a bad translation|four pictures}{, a video would help|}.
- {No word about|The leaflet forgets} {cleaning|the warranty|what the light means}.
= There is {a leaflet in the box|a manual as a download}.
+ {Clear instructions|The manual is short and clear|Good {pictures|drawings} in the manual}.
""")

OPENERS: Final = (
    "{Bought|Got|Ordered} {@this} {@noun} {@weeks} ago.",
    "I {bought|got} {@this} for my {@person}.",
    "{A present|Got it as a gift} for {@occasion}.",
    "My {@person} {recommended|swears by} {@name}{, so I gave {@it} a try|}.",
    "{Have been using|Using} {@it} {every day|daily} for {@weeks} now.",
    "{I do not write reviews often|My first review ever|I never do this}, but {here goes|this time I must}.",
    "This is my second {@noun_one} from this brand{; the first lasted {@years}|}.",
    "After {reading far too many reviews|comparing for days} I {settled on|went with} {@this}.",
    "Replaced my {@cheap} {@noun} {with {@this}|last month}.",
    "Update after {@months}:",
    "{So|Right|OK}, {where do I start|the short version first}.",
    "{Needed something quickly|Moved into a new flat} and {@shop} had none left.",
)

CLOSERS: Final[dict[Strength, tuple[str, ...]]] = {
    "--": (
        "{Do not|Please do not} buy {@this}{!|, ever.}",
        "{Going back today|Returned|Sent {@it} straight back}{, and never again this brand|}.",
        "{Zero stars if I could|One star is one too many}.",
        "{What a waste of money|Money down the drain}{!|!!|.}",
        "I {want a refund|have never been so disappointed}.",
    ),
    "-": (
        "{Would probably not buy again|Not sure I would buy {@it} again}.",
        "{Expected a bit more|For the price I expected more}.",
        "{It is okay, but there are better ones|Not bad, not good enough}.",
        "{I will keep {@it}, but only just|Keeping {@it} because returning is a hassle}.",
    ),
    "=": (
        "{That is all|Nothing more to say} {so far|}.",
        "{Will update|I will write more} {after the summer|in a few months}.",
        "{It is what it is|Does what the box says}.",
        "{Ask me again in a year|Too early to judge}.",
    ),
    "+": (
        "{Happy with the purchase|No regrets|Would buy again}.",
        "{Recommended|I can recommend {@it}}{ if you find a sale|}.",
        "{Does what it should|Good buy}.",
        "{Four stars because nothing is perfect|Pleased overall}.",
    ),
    "++": (
        "{Buy it|Just buy {@it}}{!|, now!|. You will not regret it!}",
        "{Ten out of ten|Five stars are not enough}{!|!!!|}",
        "{Already ordered two more|Telling everybody about {@it}}{!|.}",
        "{Could not be happier|Best purchase of the year|I am in love}{!|.}",
    ),
}

SHORT: Final[dict[Strength, tuple[str, ...]]] = {
    "--": (
        "{Garbage|Rubbish|Total junk}{!|.|!!!}",
        "{Broke|Died} {on day one|after two uses}{. Avoid.|!}",
        "{Worst {@noun_one} ever|Do NOT buy}{!|!!|.}",
        "{Awful, just awful|A disgrace}.",
        "{scam|fake}, {stay away|dont buy}",
    ),
    "-": (
        "{Meh|Disappointing|Not great}.",
        "{Not as good as I hoped|Could be better|Not worth the price}.",
        "{not what i expected|so so, rather no}",
    ),
    "=": (
        "{It's ok|Okay|Average}.",
        "{Does the job, nothing special|Neither good nor bad}.",
        "Have not {used|tried} {@it} {much|yet}.",
        "{as described|like the picture}",
        "For my {@person}.",
    ),
    "+": (
        "{Good|Nice|Solid} {@noun_one}.",
        "{Works well|Happy with {@it}|Does its job well}.",
        "{good buy|works fine, thanks|nice one}",
        "{My {@person} likes {@it}|As described, and good quality}.",
    ),
    "++": (
        "{Love {@it}|Amazing|Perfect|Brilliant}{!|!!|!!!}",
        "{Best {@noun_one} ever|Absolutely fantastic|Simply the best}{!|.}",
        "{Incredible quality, my {@person} wants one too|Wow. Just wow}.",
        "{love love love|best thing ever}",
    ),
}

TITLES: Final[dict[Strength, tuple[str, ...]]] = {
    "--": (
        "{Never again|Avoid|Terrible|Junk}",
        "{One star|DO NOT BUY|Waste of money}",
        "{Broken|Awful {@noun}}",
    ),
    "-": (
        "{Disappointed|Meh|Not convinced}",
        "{Expected more|Two stars|Could be better}",
        "{Hm|Mixed at best}",
    ),
    "=": (
        "{Okay|Average|It is fine}",
        "{Three stars|As described|First impressions}",
        "{So far|A few notes}",
    ),
    "+": ("{Good|Solid|Nice {@noun}}", "{Happy|Four stars|Recommended}", "{Good value|Pleased|Does the job}"),
    "++": (
        "{Wow|Perfect|Amazing}",
        "{Five stars|Love {@it}|The best}",
        "{Life changer|Outstanding {@noun}|10/10}",
    ),
}
MIXED_TITLES: Final = (
    "{Good and bad|Two sides|Pros and cons}",
    "{Could have been great|Almost}",
    "{Three stars|Mixed}",
)

ASPECT_TITLES: Final[dict[Strength, tuple[str, ...]]] = {
    "--": ("{Terrible|Useless|Hopeless} {@aspect}", "{@aspect}: {a disaster|never again}"),
    "-": ("{Weak|So-so} {@aspect}", "{@aspect} could be better"),
    "=": ("About the {@aspect}", "{@aspect} and so on"),
    "+": ("{Good|Decent} {@aspect}", "{@aspect}: {thumbs up|no complaints}"),
    "++": ("{Incredible|Superb} {@aspect}", "That {@aspect}!"),
}

TURNS: Final = ("{But|However,|That said,|On the other hand,|Sadly,}", "{Then again,|Still,|Only}")
COUNTER_TURNS: Final = ("{But|Still,|On the plus side,|To be fair,}", "{At least|One good thing:|That said,}")

EMOJI: Final[dict[Strength, tuple[str, ...]]] = {
    "--": ("😡", "🤬", "👎", "🤮", "😡😡😡", "💩"),
    "-": ("😕", "🙄", "👎"),
    "=": ("🤷", "😐"),
    "+": ("🙂", "👍", "😊"),
    "++": ("😍", "❤️", "👍🏽", "🎉", "🤩", "⭐⭐⭐⭐⭐"),
}

UPDATE_PRODUCT: Final = "RM-1001"
BAD_UPDATE: Final = (
    "{Since|Ever since|After} {last night's update|firmware 2.4|the 2.4 update} {they are ruined|one side is dead}.",
    "The {new firmware|update} {killed my {headphones|pair}|made bricks of my headphones}. {Unbelievable!|}",
    "{Updated yesterday|The app forced the update on me} and now they {crackle|cut out all the time}. {Unusable.|}",
    "{They were great until|All was fine before} {firmware 2.4|this update}{, now they howl like a siren|}.",
    "{No way back to the old firmware|You cannot undo the update}, {support says wait|nobody answers}. {Disgraceful!|}",
    "{Who tests these updates|How does an update like this get out}?",
)
MENDED: Final = (
    "{Update 2.4.1 fixed it|The new firmware mends the crackling}{, they work again|}. {Thanks for the fix.|Phew.|}",
    "{Changed my review|Was one star}: {after 2.4.1 all is well again|the fix came within {@days}}.",
    "{Back to normal since the hotfix|Sound is back since 2.4.1}, {but it cost me {@days}|fair enough}.",
)

LINKS: Final = (
    "{Photos|Pictures} {here|are at}: https://example.org/p/{8812|4471|9023}",
    "{See|Compare} www.example.com/tests/{kettles|audio|2026}{ before you buy|}.",
)

CHINESE: Final[dict[Strength, tuple[str, ...]]] = {
    "--": (
        "{质量太差了|简直是垃圾}，{用了两天就坏了|刚到手就不能用}！",
        "客服{态度恶劣|完全不理人}，{要求退款|再也不买了}。",
    ),
    "-": ("{有点失望|没有想象中好}，{做工一般|味道有点大}。", "{物流太慢|包装有破损}，{勉强能用|将就用吧}。"),
    "=": ("{还行吧|一般般}，{和描述差不多|没什么特别的}。", "{刚收到|买来送人的}，{还没用|以后再来评价}。"),
    "+": ("{挺好用的|质量不错}，{价格也合适|包装也好}。", "{物流很快|客服很耐心}，{满意|值得购买}。"),
    "++": (
        "{太喜欢了|超级好用|完美}！{家人都说好|强烈推荐}！",
        "{用过最好的一款|比专柜还便宜}，{已经回购三次了|无可挑剔}！",
    ),
}
OTHER_LANGUAGES: Final = (
    "{Leider völlig unbrauchbar|Totaler Mist}, nach {zwei|drei} Tagen war das Gerät kaputt und niemand hilft mir.",
    "{Sehr zufrieden|Bin begeistert}, {schnelle Lieferung|ging schnell} und gut verpackt, würde ich wieder kaufen.",
    "No me convence, {esperaba mucho más por este precio|la calidad es bastante justa} y la entrega tardó demasiado.",
    "¡Me encanta! Es lo mejor que he comprado {este año|en mucho tiempo} y toda mi familia está contenta.",
    "Produit conforme à la description, {rien de spécial à dire pour le moment|livraison dans les temps}.",
    "{Très déçue|Quelle déception}, le colis est arrivé ouvert et le service client ne répond pas.",
)
BLANK: Final = (None, "", "   ", "<br /><br />", "<p>&nbsp;</p>")
NO_WORDS: Final = ("👍👍👍", "😡", "!!!", "⭐⭐⭐⭐⭐", "...")
