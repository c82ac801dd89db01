// The compiled form of hw/matrix/rectangles.py: the same steps on words of 64 bits, the same result.
// Names are those of the Python form, which says what each step is for.
#include <algorithm>
#include <cstdint>
#include <map>
#include <queue>
#include <tuple>
#include <vector>

namespace {

using Word = uint64_t;
using Bits = std::vector<Word>;
using Heights = std::vector<int>;

constexpr int64_t UNIT = 64, ALPHA = 33, EVEN = 16, GROWN = 20000000, RENEWED = 16384, EFFORT = 3000000000;
constexpr size_t SEEDS = 100000, FRESH = 48;

void set_bit(Bits &bits, size_t at) {
    if (bits.size() <= at / 64) bits.resize(at / 64 + 1);
    bits[at / 64] |= Word(1) << at % 64;
}
void clear_bit(Bits &bits, size_t at) {
    if (at / 64 < bits.size()) bits[at / 64] &= ~(Word(1) << at % 64);
}
void flip_bit(Bits &bits, size_t at) {
    if (bits.size() <= at / 64) bits.resize(at / 64 + 1);
    bits[at / 64] ^= Word(1) << at % 64;
}
Word word(const Bits &bits, size_t at) { return at < bits.size() ? bits[at] : 0; }
void clear_all(Bits &bits, const Bits &gone) {
    for (size_t at = 0; at < bits.size() && at < gone.size(); at++) bits[at] &= ~gone[at];
}
Bits either(const Bits &one, const Bits &other) {
    Bits all(std::max(one.size(), other.size()));
    for (size_t at = 0; at < all.size(); at++) all[at] = word(one, at) | word(other, at);
    return all;
}
template <class Visit> void ones(const Bits &bits, Visit visit) {
    for (size_t at = 0; at < bits.size(); at++)
        for (Word rest = bits[at]; rest; rest &= rest - 1) visit(int(at * 64 + __builtin_ctzll(rest)));
}
int64_t root(int64_t value) {
    int64_t low = 0, high = int64_t(1) << 31;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;
        if (middle * middle <= value) low = middle; else high = middle - 1;
    }
    return low;
}

int node_profile(Heights &heap) {
    int luts = 0;
    heap.resize(heap.size() + 2);
    while (*std::max_element(heap.begin(), heap.end()) > 3) {
        size_t column = 0;
        while (heap[column] <= 3) column++;
        int most = 4;
        while (heap[column] > 2) {
            heap[column] -= std::min(most, heap[column]) - 1;
            column++, luts++, most = 3;
            if (column + 1 == heap.size()) heap.push_back(0);
        }
        heap[column] += 2;
    }
    size_t column = 0, last = heap.size();
    while (column < heap.size() && heap[column] <= 1) column++;
    if (column < heap.size()) {
        while (heap[--last] <= 1) {}
        bool save = false;
        while (heap[column] > 1 || (heap[column] && (save || column < last))) {
            save = heap[column] > 1 && heap[column] + save > 2;
            heap[column] = 1;
            column++, luts++;
            if (column + 1 == heap.size()) heap.push_back(0);
        }
        heap[column] += 1 + save;
    }
    while (!heap.empty() && !heap.back()) heap.pop_back();
    return luts;
}

struct Rectangle {
    int side = 0;
    std::vector<std::pair<int, int>> members;
    Bits positive, negative;
};
using Offer = std::tuple<int64_t, int, int, int, int>;  // -score, side, line, line, sign
using Level = std::vector<int>;

struct Extraction {
    int inputs, outputs, bits, depth, power;
    int64_t noise, alpha, even;
    mutable int64_t work = 0;
    Bits odd;
    std::vector<Bits> positive[2], negative[2];
    Level level[2];
    std::vector<Bits> within[2];
    std::vector<Heights> profile;
    std::priority_queue<Offer, std::vector<Offer>, std::greater<Offer>> heap;

    int base(int side) const { return side ? outputs : inputs; }

    Extraction(int rows, const int64_t *start, const int32_t *columns, const int8_t *signs, int inputs, int outputs,
               int bits, int depth, int64_t noise, int power)
        : inputs(inputs), outputs(outputs), bits(bits), depth(depth), power(power), noise(noise),
          alpha(noise ? ALPHA + noise % 4 : ALPHA), even(noise ? EVEN / 2 * (noise / 4 % 4) : EVEN) {
        int nodes = rows - outputs;
        for (int side = 0; side < 2; side++) {
            positive[side].resize(base(side) + nodes);
            negative[side].resize(base(side) + nodes);
            level[side].assign(base(side) + nodes, 0);
            within[side].resize(depth);
        }
        for (int row = 0; row < rows; row++) {
            if ((start[row + 1] - start[row]) % 2) set_bit(odd, row);
            for (int64_t at = start[row]; at < start[row + 1]; at++) {
                auto &half = signs[at] > 0 ? positive : negative;
                set_bit(half[0][columns[at]], row);
                set_bit(half[1][row], columns[at]);
            }
        }
        for (int side = 0; side < 2; side++)
            for (int line = 0; line < base(side) + nodes; line++) enter(side, line, 0);
        profile.assign(inputs, Heights(bits, 1));
        profile.resize(inputs + nodes);
        for (int node = 0; node < nodes; node++) raise(0, node, 1), raise(1, node, 1);
        std::vector<int> order;
        for (int node = 0; node < nodes; node++) order.push_back(inputs + node);
        std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return level[0][a] < level[0][b]; });
        for (int column : order) set_profile(column);
    }

    Bits both(int side, int line) const { return either(positive[side][line], negative[side][line]); }

    void set_profile(int column) {
        profile[column] = heights_of(both(1, outputs + column - inputs));
        node_profile(profile[column]);
    }

    void run() {
        for (int side = 0; side < 2; side++) first_pairs(side);
        while (!heap.empty() && work < EFFORT) {
            auto [old, side, one, other, sign] = heap.top();
            heap.pop();
            Rectangle rectangle;
            int64_t score;
            if (!grow(side, one, other, sign, rectangle, score)) continue;
            if (score < -old) {
                heap.emplace(-score, side, one, other, sign);
                continue;
            }
            take(rectangle);
            offer(side, one, other, sign);
        }
    }

    void enter(int side, int line, int at_level) {
        for (int at = 0; at < depth; at++)
            if (at >= at_level) set_bit(within[side][at], line);
            else clear_bit(within[side][at], line);
        level[side][line] = at_level;
    }

    void raise(int side, int node, int least) {
        std::vector<std::pair<int, int>> stack{{node, least}};
        while (!stack.empty()) {
            std::tie(node, least) = stack.back();
            stack.pop_back();
            int line = node + base(side), first = base(1 - side);
            if (level[side][line] < least) enter(side, line, least);
            least = level[side][line];
            ones(both(side, line), [&](int other) {
                if (other >= first && level[side][other - first + base(side)] < least + 1)
                    stack.emplace_back(other - first, least + 1);
            });
        }
    }

    void add(Heights &heights, int column) const {
        const Heights &more = profile[column];
        if (heights.size() < more.size()) heights.resize(more.size());
        for (size_t at = 0; at < more.size(); at++) heights[at] += more[at];
    }
    Heights heights_of(const Bits &columns) const {
        Heights heights;
        ones(columns, [&](int column) { add(heights, column); });
        return heights;
    }

    int64_t gain_of(const Rectangle &rectangle, int64_t count, int64_t &area) const {
        Heights heights;
        int64_t uses = count, terms = int64_t(rectangle.members.size()), before = 0, after = 0, uneven = 0;
        area = uses * terms;
        if (rectangle.side == 0) {
            for (auto &member : rectangle.members) add(heights, member.first);
            if (terms % 2 == 0)
                for (size_t at = 0; at < rectangle.positive.size(); at++)
                    uneven += __builtin_popcountll((rectangle.positive[at] | rectangle.negative[at]) & word(odd, at));
        } else {
            std::swap(uses, terms);
            heights = heights_of(either(rectangle.positive, rectangle.negative));
            if (terms % 2 == 0)
                for (auto &member : rectangle.members) uneven += word(odd, member.first / 64) >> member.first % 64 & 1;
        }
        for (int height : heights) before += height;
        int luts = node_profile(heights);
        for (int height : heights) after += height;
        int64_t evened = terms % 2 ? 0 : even * bits * (uses - 2 * uneven);
        return alpha * uses * (before - after) + evened - UNIT * luts;
    }

    int64_t score_of(int64_t gain, int64_t area, int side, int one, int other, int sign) const {
        int64_t score = gain << 8;
        if (power == 1) score = (score << 4) / root(root(area << 16));
        else if (power == 2) score = (score << 4) / root(area << 8);
        if (noise) {
            uint32_t mixed = uint32_t(noise) + uint32_t(side) * 40503u + uint32_t(one) * 2654435761u +
                             uint32_t(other) * 2246822519u + uint32_t(sign) * 3266489917u;
            mixed = (mixed ^ mixed >> 15) * 2246822519u;
            mixed = (mixed ^ mixed >> 13) * 3266489917u;
            score = score * (1024 - (mixed >> 16 & 255)) >> 10;
        }
        return score;
    }

    int agreeing(int side, int one, int other, int sign) const {
        const Bits &p = positive[side][one], &n = negative[side][one];
        const Bits &same = (sign > 0 ? positive : negative)[side][other], &turned = (sign > 0 ? negative : positive)[side][other];
        int count = 0;
        size_t size = std::max(p.size(), n.size());
        for (size_t at = 0; at < size; at++)
            count += __builtin_popcountll((word(p, at) & word(same, at)) | (word(n, at) & word(turned, at)));
        return count;
    }

    void first_pairs(int side) {
        int lines = int(positive[side].size());
        work += int64_t(lines) * lines * 8;
        std::map<int, size_t, std::greater<int>> counts;
        for (int one = 0; one < lines; one++)
            for (int other = one + 1; other < lines; other++)
                for (int sign = 1; sign >= -1; sign -= 2) {
                    int count = agreeing(side, one, other, sign);
                    if (count > 1) counts[count]++;
                }
        int least = 2;
        size_t seen = 0, most = std::min(SEEDS, size_t(GROWN / std::max(1, lines)));
        for (auto [count, pairs] : counts) {
            seen += pairs;
            if (seen > most && count != counts.begin()->first) {
                least = count + 1;
                break;
            }
        }
        for (int one = 0; one < lines; one++)
            for (int other = one + 1; other < lines; other++)
                for (int sign = 1; sign >= -1; sign -= 2)
                    if (agreeing(side, one, other, sign) >= least) offer(side, one, other, sign);
    }

    void offer(int side, int one, int other, int sign) {
        Rectangle rectangle;
        int64_t score;
        if (grow(side, one, other, sign, rectangle, score)) heap.emplace(-score, side, one, other, sign);
    }

    bool grow(int side, int one, int other, int sign, Rectangle &best, int64_t &score) const {
        const auto &p = positive[side], &n = negative[side];
        const Level &levels = level[side];
        Rectangle now;
        now.side = side;
        now.members = {{one, 1}, {other, sign}};
        int deepest = std::max(levels[one], levels[other]);
        if (depth - 1 - deepest < 0) return false;
        const Bits &first = within[1 - side][depth - 1 - deepest];
        now.positive.resize(first.size());
        now.negative.resize(first.size());
        const auto &same = sign > 0 ? p : n, &turned = sign > 0 ? n : p;
        for (size_t at = 0; at < first.size(); at++) {
            now.positive[at] = word(p[one], at) & word(same[other], at) & first[at];
            now.negative[at] = word(n[one], at) & word(turned[other], at) & first[at];
        }
        Bits allowed = within[side][depth - 1];
        clear_bit(allowed, one);
        clear_bit(allowed, other);
        int64_t best_gain = 0, best_area = 1;
        while (true) {
            int size = 0;
            std::vector<int> used;                       // words that hold anything
            for (size_t at = 0; at < now.positive.size(); at++)
                if (Word all = now.positive[at] | now.negative[at]) {
                    used.push_back(int(at));
                    size += __builtin_popcountll(all);
                }
            if (size < 2) break;
            work += int64_t(p.size());
            int most = 1;
            std::pair<int, int> chosen;
            std::vector<std::pair<int, int>> full;
            ones(allowed, [&](int line) {
                int counts[2] = {0, 0};
                const Bits &lp = p[line], &ln = n[line];
                const Bits &mask = within[1 - side][depth - 1 - std::max(deepest, levels[line])];
                for (int at : used) {
                    Word wp = word(lp, at), wn = word(ln, at), plus = now.positive[at], minus = now.negative[at], m = word(mask, at);
                    counts[0] += __builtin_popcountll(((plus & wp) | (minus & wn)) & m);
                    counts[1] += __builtin_popcountll(((plus & wn) | (minus & wp)) & m);
                }
                for (int turn = 0; turn < 2; turn++) {
                    if (counts[turn] == size) full.emplace_back(line, 1 - 2 * turn);
                    else if (counts[turn] > most) most = counts[turn], chosen = {line, 1 - 2 * turn};
                }
            });
            for (auto &member : full) {
                now.members.push_back(member);
                deepest = std::max(deepest, levels[member.first]);
                clear_bit(allowed, member.first);
            }
            int64_t area, gain = gain_of(now, size, area);
            if (gain > best_gain) best_gain = gain, best_area = area, best = now;
            if (!full.empty()) continue;
            if (most < 2) break;
            int line = chosen.first;
            now.members.push_back(chosen);
            clear_bit(allowed, line);
            deepest = std::max(deepest, levels[line]);
            const Bits &mask = within[1 - side][depth - 1 - deepest];
            const auto &with = chosen.second > 0 ? p : n, &against = chosen.second > 0 ? n : p;
            for (int at : used) {
                now.positive[at] &= word(with[line], at) & word(mask, at);
                now.negative[at] &= word(against[line], at) & word(mask, at);
            }
        }
        if (!best_gain) return false;
        score = score_of(best_gain, best_area, side, one, other, sign);
        return true;
    }

    void take(const Rectangle &rectangle) {
        int side = rectangle.side, node = int(positive[1].size()) - outputs;
        Bits signs[2][2];
        for (auto [line, sign] : rectangle.members) set_bit(signs[side][sign < 0], line);
        signs[1 - side][0] = rectangle.positive;
        signs[1 - side][1] = rectangle.negative;
        for (int at = 0; at < 2; at++) {
            Bits every = either(signs[1 - at][0], signs[1 - at][1]), members = either(signs[at][0], signs[at][1]);
            int partner = node + base(1 - at), highest = 0;
            for (int which = 0; which < 2; which++) {
                auto &half = which ? negative[at] : positive[at];
                ones(members, [&](int member) { clear_all(half[member], every); });
                half.push_back(signs[1 - at][which]);
                ones(signs[at][which], [&](int member) { set_bit(half[member], partner); });
            }
            level[at].push_back(0);
            ones(members, [&](int member) { highest = std::max(highest, level[at][member]); });
            enter(at, node + base(at), 1 + highest);
        }
        Bits columns = both(1, node + outputs), used = both(0, node + inputs);
        int terms = 0;
        ones(columns, [&](int) { terms++; });
        if (terms % 2) set_bit(odd, node + outputs);
        else ones(used, [&](int row) { flip_bit(odd, row); });
        profile.emplace_back();
        set_profile(inputs + node);
        for (int at = 0; at < 2; at++) {
            raise(at, node, 1);
            fresh(at, node + base(at));
        }
    }

    void fresh(int side, int line) {
        if (level[side][line] >= depth) return;
        std::vector<std::tuple<int, int, int>> found;
        for (int other = 0; other < int(positive[side].size()); other++)
            if (other != line)
                for (int sign = 1; sign >= -1; sign -= 2) {
                    int count = agreeing(side, other, line, sign);
                    if (count > 1) found.emplace_back(-count, other, -sign);
                }
        std::sort(found.begin(), found.end());
        size_t most = std::min(FRESH, std::max(FRESH / 6, size_t(RENEWED / positive[side].size())));
        if (found.size() > most) found.resize(most);
        for (auto [count, other, turned] : found) offer(side, std::min(other, line), std::max(other, line), -turned);
    }
};

}  // namespace

extern "C" {

void *rectangles_extract(int rows, const int64_t *start, const int32_t *columns, const int8_t *signs, int inputs,
                         int outputs, int bits, int depth, int64_t noise, int power) {
    auto *extraction = new Extraction(rows, start, columns, signs, inputs, outputs, bits, depth, noise, power);
    extraction->run();
    return extraction;
}

int64_t rectangles_work(void *handle) { return static_cast<Extraction *>(handle)->work; }

int rectangles_rows(void *handle) { return int(static_cast<Extraction *>(handle)->positive[1].size()); }

int64_t rectangles_entries(void *handle) {
    auto *extraction = static_cast<Extraction *>(handle);
    int64_t count = 0;
    for (int row = 0; row < rectangles_rows(handle); row++) ones(extraction->both(1, row), [&](int) { count++; });
    return count;
}

void rectangles_read(void *handle, int64_t *start, int32_t *columns, int8_t *signs) {
    auto *extraction = static_cast<Extraction *>(handle);
    int64_t at = 0;
    for (int row = 0; row < rectangles_rows(handle); row++) {
        start[row] = at;
        const Bits &plus = extraction->positive[1][row];
        ones(extraction->both(1, row), [&](int column) {
            columns[at] = column;
            signs[at++] = word(plus, column / 64) >> column % 64 & 1 ? 1 : -1;
        });
    }
    start[rectangles_rows(handle)] = at;
}

void rectangles_free(void *handle) { delete static_cast<Extraction *>(handle); }
}
