// The value table on a GPU: some threads a row (backward), one a row (forward) or a sample (look-ups).
//
// The layout is the one of ranking.py: a row is three hands and a leader, its 64 lanes are the hands of seat 3. The
// threads of a row walk the same trick side by side, each for one reachable lane, and read the rows below 64 bytes at a
// time; a thread whose lane may not make a play sits that play out. What is reachable is a bit a lane, one 64-bit word a row, walked by one thread.
//
// The packed state (HAND_BITS, LEADER_SHIFT ...) comes from state.py as macros: see DEFINES in gpu.py.
// The kernels know no rules: they come as data, 320 bytes a deal (`Rules`), and as constants of the layout (`Layout`).
// Plain per-thread functions: they compile with nvcc, with NVRTC, and with g++ behind a shim that loops over the grid.

typedef unsigned long long u64;
typedef long long i64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

struct Rules {             // of one deal and declaration
    u8 follow[4][8];       // [seat][suit] mask of the slots that follow
    u8 rank[4][7][8];      // [seat][slot][suit] strength, 0 cannot win
    u8 led[4][7];          // [seat][slot] the suit it asks for when led
    u8 points[4][7];       // [seat][slot] count points
    u8 padding[8];
};

struct Layout {
    i64 hands[8];          // [k] C(7, k)
    i64 row_start[9];      // [k] first row with k tricks left
    i64 rank_of_mask[128];
    i64 mask_of_rank[8][35];
    u64 holds[8][7];       // [k][slot] lanes of the hands that hold it
    u64 voids[8][128];     // [k][mask] lanes of the hands that hold none of the mask
};

static const int LANE_SEAT = 3;

struct Row {               // a row of boundary states
    int tricks;
    i64 hand[3];
    int leader;
};

struct Node {              // a place inside the trick, for all lanes of a row
    u64 lanes;             // hands of seat 3 (before the trick) for which the plays so far are legal
    int suit, best, winner, points, shift;
    i64 child;             // the part of the next row's key that is settled
};

static __device__ int lowest(int bits) { return __ffs(bits) - 1; }

// The lane of the given number among those that are set.
static __device__ int lane_at(u64 lanes, int which) {
    while (which--) lanes &= lanes - 1;
    return __ffsll((i64)lanes) - 1;
}

static __device__ int size_of(i64 bits) { return __popcll((u64)bits); }

static __device__ int hand_of(i64 held, int seat) { return (int)(held >> HAND_BITS * seat & HAND_MASK); }

static __device__ Row row_of_key(const Layout& at, int tricks, i64 key) {
    i64 radix = at.hands[tricks];
    Row row;
    row.tricks = tricks;
    row.hand[2] = at.mask_of_rank[tricks][key % radix];
    row.hand[1] = at.mask_of_rank[tricks][key / radix % radix];
    row.hand[0] = at.mask_of_rank[tricks][key / (radix * radix) % radix];
    row.leader = (int)(key / (radix * radix * radix));
    return row;
}

// The slots that a seat may try: for seat 3 all, its lanes decide.
static __device__ int slots_of(const Rules& rules, const Row& row, int seat, int place, int suit) {
    if (seat == LANE_SEAT) return HAND_MASK;
    int hand = (int)row.hand[seat], following = hand & rules.follow[seat][suit];
    return place > 0 && following ? following : hand;
}

static __device__ u64 lanes_that_may(const Layout& at, const Rules& rules, int tricks, int place, int suit, int slot) {
    u64 holding = at.holds[tricks][slot];
    int follow = rules.follow[LANE_SEAT][suit];
    return place == 0 || (follow >> slot & 1) ? holding : holding & at.voids[tricks][follow];
}

static __device__ Node after(const Layout& at, const Rules& rules, const Row& row, const Node& node, int place, int slot) {
    int seat = (row.leader + place) & 3;
    Node next = node;
    if (place == 0) next.suit = rules.led[seat][slot];
    int rank = rules.rank[seat][slot][next.suit];
    if (rank > node.best) {
        next.best = rank;
        next.winner = seat;
    }
    next.points += rules.points[seat][slot];
    if (seat == LANE_SEAT) {
        next.lanes &= lanes_that_may(at, rules, row.tricks, place, next.suit, slot);
        next.shift = slot == 6 ? 0 : 1 << slot;
    } else {
        i64 below = at.hands[row.tricks - 1], rank_below = at.rank_of_mask[row.hand[seat] ^ (1LL << slot)];
        next.child += seat == 0 ? rank_below * below * below : seat == 1 ? rank_below * below : rank_below;
    }
    return next;
}

static __device__ Node before_the_lead(u64 lanes) {
    Node node = {lanes, 0, -1, 0, 1, 0, 0};
    return node;
}

static __device__ i64 child_row(const Layout& at, const Row& row, const Node& node) {
    i64 below = at.hands[row.tricks - 1];
    return at.row_start[row.tricks - 1] + node.winner * below * below * below + node.child;
}

// ---- forward: what one trick from a row reaches, and how many states hang on it -----------------------------------

template <int PLACE>
static __device__ void mark_below(const Layout& at, const Rules& rules, const Row& row, const Node& node, u64* lanes,
                                  u32* counts) {
    int seat = (row.leader + PLACE) & 3;
    for (int todo = slots_of(rules, row, seat, PLACE, node.suit); todo; todo &= todo - 1) {
        Node next = after(at, rules, row, node, PLACE, lowest(todo));
        if (!next.lanes) continue;
        counts[PLACE + 1] += __popcll(next.lanes);
        mark_below<PLACE + 1>(at, rules, row, next, lanes, counts);
    }
}

template <>
__device__ void mark_below<4>(const Layout& at, const Rules&, const Row& row, const Node& node, u64* lanes, u32*) {
    atomicOr(lanes + child_row(at, row, node), node.lanes >> node.shift);
}

// One thread a row of a level, deal by deal. lanes u64[deals, rows]; counts u32[deals, cells] in the order of ranks:
// for each level, most tricks first, its rows' states by plays in the trick (0-3), one run of rows after another.
extern "C" __global__ void mark_level(const Layout* layout, const Rules* rules, i64 deals, i64 tricks, u64* lanes,
                                      u32* counts) {
    const Layout& at = *layout;
    i64 thread = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    i64 rows = at.row_start[tricks + 1] - at.row_start[tricks];
    if (thread >= deals * rows) return;
    i64 deal = thread / rows, key = thread % rows;
    u64* mine = lanes + deal * at.row_start[8];
    u64 here = mine[at.row_start[tricks] + key];
    if (!here) return;
    u32 found[5] = {(u32)__popcll(here), 0, 0, 0, 0};
    if (tricks > 0) mark_below<0>(at, rules[deal], row_of_key(at, (int)tricks, key), before_the_lead(here), mine, found);
    u32* out = counts + deal * 4 * at.row_start[8] + 4 * (at.row_start[8] - at.row_start[tricks + 1]) + key;
    for (int place = 0; place < 4; place++) out[place * rows] = found[place];
}

// ---- backward: a four-ply minimax into the level below -------------------------------------------------------------

template <int PLACE>
static __device__ int value_below(const Layout& at, const Rules& rules, const Row& row, const Node& node, int lane,
                                  const signed char* values) {
    int seat = (row.leader + PLACE) & 3;
    int best = seat & 1 ? 100 : -100;
    for (int todo = slots_of(rules, row, seat, PLACE, node.suit); todo; todo &= todo - 1) {
        Node next = after(at, rules, row, node, PLACE, lowest(todo));
        if (!(next.lanes >> lane & 1)) continue;
        int value = value_below<PLACE + 1>(at, rules, row, next, lane, values);
        best = (seat & 1 ? value < best : value > best) ? value : best;
    }
    return best;
}

template <>
__device__ int value_below<4>(const Layout& at, const Rules&, const Row& row, const Node& node, int lane,
                              const signed char* values) {
    int won = node.winner & 1 ? -node.points : node.points;
    return won + values[64 * child_row(at, row, node) + lane - node.shift];
}

// THREADS_A_ROW threads a row of a level, deal by deal: of 64 lanes some ten are reachable, which they share out among
// themselves. values i8[deals, rows, 64].
extern "C" __global__ void value_level(const Layout* layout, const Rules* rules, i64 deals, i64 tricks,
                                       const u64* lanes, signed char* values) {
    const Layout& at = *layout;
    i64 thread = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    i64 rows = at.row_start[tricks + 1] - at.row_start[tricks];
    i64 row = thread / THREADS_A_ROW;
    if (row >= deals * rows) return;
    i64 deal = row / rows, key = row % rows, place = deal * at.row_start[8] + at.row_start[tricks] + key;
    u64 here = lanes[place];
    int first = (int)(thread % THREADS_A_ROW), n = __popcll(here);
    if (first >= n) return;
    Row walked = row_of_key(at, (int)tricks, key);
    for (int which = first; which < n; which += THREADS_A_ROW) {
        int lane = lane_at(here, which);
        values[64 * place + lane] = (signed char)value_below<0>(at, rules[deal], walked, before_the_lead(1ULL << lane), lane,
                                                                values + 64 * deal * at.row_start[8]);
    }
}

// ---- look-ups --------------------------------------------------------------------------------------------------------

struct Emitter {           // counts the states of a row with `place` plays in the trick down to one of them
    int place;
    i64 left;              // states still to be passed over
    i64 state;             // what was found; -1 until then
};

static __device__ i64 state_of(const Row& row, u64 lanes, i64 which, i64 played, i64 trick) {
    int lane = lane_at(lanes, (int)which);
    i64 hand3 = lane | (size_of(lane) < row.tricks ? 64 : 0);
    i64 held = row.hand[0] | row.hand[1] << 7 | row.hand[2] << 14 | hand3 << 21;
    return (held & ~played) | trick;
}

template <int PLACE>
static __device__ void find(const Layout& at, const Rules& rules, const Row& row, const Node& node, i64 played, i64 slots,
                            Emitter& out) {
    if (PLACE == out.place) {
        i64 here = __popcll(node.lanes);
        if (out.left < here) out.state = state_of(row, node.lanes, out.left, played,
                                                  (i64)row.leader << LEADER_SHIFT | (i64)PLACE << PLAYS_SHIFT | slots << SLOTS_SHIFT);
        out.left -= here;
        return;
    }
    int seat = (row.leader + PLACE) & 3;
    for (int todo = slots_of(rules, row, seat, PLACE, node.suit); todo && out.state < 0; todo &= todo - 1) {
        int slot = lowest(todo);
        Node next = after(at, rules, row, node, PLACE, slot);
        if (!next.lanes) continue;
        i64 on_table = (slots & ~(7LL << 3 * PLACE)) | (i64)slot << 3 * PLACE;
        find<PLACE + 1>(at, rules, row, next, played | 1LL << (HAND_BITS * seat + slot), on_table, out);
    }
}

template <>
__device__ void find<4>(const Layout&, const Rules&, const Row&, const Node&, i64, i64, Emitter&) {}

// One thread a sample: the state of a number. deal_of i64[samples]; `before` u32[deals, cells] is the inclusive running
// sum of each deal's counts.
extern "C" __global__ void states_of_ranks(const Layout* layout, const Rules* rules, i64 samples, const i64* deal_of,
                                           const u64* lanes, const u32* before, const i64* ranks, i64* states) {
    const Layout& at = *layout;
    i64 thread = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (thread >= samples) return;
    i64 deal = deal_of[thread], low = 0, high = 4 * at.row_start[8] - 1;
    lanes += deal * at.row_start[8];
    before += deal * 4 * at.row_start[8];
    while (low < high) {
        i64 middle = (low + high) / 2;
        if ((i64)before[middle] > ranks[thread]) high = middle;
        else low = middle + 1;
    }
    int tricks = 7;
    while (low >= 4 * (at.row_start[8] - at.row_start[tricks])) tricks--;
    i64 rows = at.row_start[tricks + 1] - at.row_start[tricks];
    i64 within = low - 4 * (at.row_start[8] - at.row_start[tricks + 1]);
    Row row = row_of_key(at, tricks, within % rows);
    Emitter out = {(int)(within / rows), ranks[thread] - (low ? (i64)before[low - 1] : 0), -1};
    i64 none = NO_SLOT | NO_SLOT << SLOT_BITS | NO_SLOT << 2 * SLOT_BITS;
    find<0>(at, rules[deal], row, before_the_lead(lanes[at.row_start[tricks] + within % rows]), 0, none, out);
    states[thread] = out.state;
}

struct Trick {             // a trick in progress
    int leader, place, suit, best, winner, points;
};

static __device__ int legal(const Rules& rules, i64 held, const Trick& trick) {
    int seat = (trick.leader + trick.place) & 3;
    int hand = hand_of(held, seat), following = hand & rules.follow[seat][trick.suit];
    return trick.place > 0 && following ? following : hand;
}

static __device__ Trick put(const Rules& rules, Trick trick, int slot) {
    int seat = (trick.leader + trick.place) & 3;
    if (trick.place == 0) trick.suit = rules.led[seat][slot];
    int rank = rules.rank[seat][slot][trick.suit];
    if (rank > trick.best) {
        trick.best = rank;
        trick.winner = seat;
    }
    trick.points += rules.points[seat][slot];
    trick.place++;
    return trick;
}

static __device__ i64 row_number(const Layout& at, i64 held, int leader) {
    int tricks = size_of(hand_of(held, 0));
    i64 radix = at.hands[tricks];
    i64 key = (leader * radix + at.rank_of_mask[hand_of(held, 0)]) * radix + at.rank_of_mask[hand_of(held, 1)];
    return at.row_start[tricks] + key * radix + at.rank_of_mask[hand_of(held, 2)];
}

static __device__ bool is_boundary(const Layout& at, const u64* lanes, i64 held, int leader) {
    for (int seat = 1; seat < 4; seat++)
        if (size_of(hand_of(held, seat)) != size_of(hand_of(held, 0))) return false;
    return lanes[row_number(at, held, leader)] >> (held >> 21 & 63) & 1;
}

// Replays the plays on the table; false where play cannot reach the state.
static __device__ bool resume(const Layout& at, const Rules& rules, const u64* lanes, i64 state, Trick& trick) {
    int leader = (int)(state >> LEADER_SHIFT & SEAT_MASK), plays = (int)(state >> PLAYS_SHIFT & SEAT_MASK);
    i64 held = state & ALL_HELD;
    for (int i = 0; i < plays; i++) held |= 1LL << (HAND_BITS * ((leader + i) & 3) + (state >> (SLOTS_SHIFT + SLOT_BITS * i) & NO_SLOT));
    trick = {leader, 0, 0, -1, leader, 1};
    if (!is_boundary(at, lanes, held & ALL_HELD, leader)) return false;
    for (int i = 0; i < plays; i++) {
        int slot = (int)(state >> (SLOTS_SHIFT + SLOT_BITS * i) & NO_SLOT);
        if (slot == NO_SLOT || !(legal(rules, held, trick) >> slot & 1)) return false;
        held &= ~(1LL << (HAND_BITS * ((leader + i) & 3) + slot));
        trick = put(rules, trick, slot);
    }
    return held == (state & ALL_HELD);
}

template <int DEPTH>
static __device__ int minimax(const Layout& at, const Rules& rules, i64 held, const Trick& trick, const signed char* values) {
    if (trick.place == 4) {
        int value = values[64 * row_number(at, held, trick.winner) + (held >> 21 & 63)];
        return value + (trick.winner & 1 ? -trick.points : trick.points);
    }
    int seat = (trick.leader + trick.place) & 3;
    int best = seat & 1 ? 100 : -100;
    for (int todo = legal(rules, held, trick); todo; todo &= todo - 1) {
        int slot = lowest(todo);
        int value = minimax<DEPTH - 1>(at, rules, held & ~(1LL << (HAND_BITS * seat + slot)), put(rules, trick, slot), values);
        best = (seat & 1 ? value < best : value > best) ? value : best;
    }
    return best;
}

template <>
__device__ int minimax<-1>(const Layout&, const Rules&, i64, const Trick&, const signed char*) { return 0; }

// One thread a state: Q of each slot, team 0's view, -128 = illegal; 127 everywhere for a state that play cannot reach.
// deal_of i64[samples]; out i8[samples, 7].
extern "C" __global__ void q_of_states(const Layout* layout, const Rules* rules, i64 samples, const i64* deal_of,
                                       const u64* lanes, const signed char* values, const i64* states,
                                       signed char* out) {
    const Layout& at = *layout;
    i64 thread = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (thread >= samples) return;
    i64 deal = deal_of[thread], held = states[thread] & ALL_HELD;
    const Rules& game = rules[deal];
    lanes += deal * at.row_start[8];
    values += 64 * deal * at.row_start[8];
    Trick trick;
    bool reachable = resume(at, game, lanes, states[thread], trick);
    int seat = (trick.leader + trick.place) & 3, slots = legal(game, held, trick);
    for (int slot = 0; slot < 7; slot++) {
        int q = !reachable ? 127 : ILLEGAL;
        if (reachable && (slots >> slot & 1))
            q = minimax<3>(at, game, held & ~(1LL << (HAND_BITS * seat + slot)), put(game, trick, slot), values);
        out[7 * thread + slot] = (signed char)q;
    }
}
