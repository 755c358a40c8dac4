// Joint histograms of genes of the rows with all genes of a tile of columns.
//
// A counter is a level of a gene of the tile; the tile has `width` of them. A line is a level of a row gene; its list
// holds the cells at that level. What is wanted is, for each line, how many of its cells have each counter. Cells in
// which a gene is not expressed have none of its counters, so row 0 and column 0 follow later from the level sizes.

// One bit per counter and cell, cell after cell: bit k of a cell is set where the cell has counter k.
kernel void fill_planes(
    global const int* starts, global const int* counters, int cells, int words, global uint* planes)
{
    size_t cell = get_global_id(0);
    if (cell >= (size_t)cells)
        return;
    global uint* row = planes + cell * words;
    for (int word = 0; word < words; word++)
        row[word] = 0;
    for (int k = starts[cell]; k < starts[cell + 1]; k++)
        row[counters[k] >> 5] |= 1u << (counters[k] & 31);
}

// A full adder on 32 bit positions at once: sum + a + b = sum + 2 carry. A device with a three-input logic instruction
// takes two of them for it.
#define ADD(sum, carry, a, b) \
    do { uint u = (sum) ^ (a); carry = ((sum) & (a)) | (u & (b)); sum = u ^ (b); } while (0)

// A half adder: sum + carry, the new carry in place of the old one.
#define RIPPLE(sum, carry) \
    do { uint t = (sum) & (carry); sum ^= (carry); carry = t; } while (0)

// Eight bits count up to 255; 31 groups of 8 cells stay below that.
#define CELLS_PER_SPILL 248

#define ROW(i) (at + (i) < stop ? plane[(size_t)cellOf[at + (i)] * words] : 0u)

// The positional population count: one work item per 32 counters and line. The 32 sums are held bit-sliced (bit i of
// every sum in one word) and are added up by carry-save adders, 8 cells a step (Harley and Seal; Klarqvist, Mula and
// Lemire 2019). Each work item owns its 32 sums, so nothing is atomic.
kernel void count_planes(
    global const int* listStarts, global const int* cellOf, int lines,
    global const uint* planes, int words, int width, global int* counts)
{
    int word = get_global_id(0);
    int line = get_global_id(1);
    if (word >= words || line >= lines)
        return;
    global const uint* plane = planes + word;
    global int* sums = counts + (size_t)line * width + 32 * word;
    int own = min(32, width - 32 * word);
    for (int i = 0; i < own; i++)
        sums[i] = 0;

    int end = listStarts[line + 1];
    for (int from = listStarts[line]; from < end; from += CELLS_PER_SPILL)
    {
        int stop = min(end, from + CELLS_PER_SPILL);
        uint s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
        for (int at = from; at < stop; at += 8)
        {
            uint a, b, c, d, e, f, carry;
            ADD(s0, a, ROW(0), ROW(1));
            ADD(s0, b, ROW(2), ROW(3));
            ADD(s0, c, ROW(4), ROW(5));
            ADD(s0, d, ROW(6), ROW(7));
            ADD(s1, e, a, b);
            ADD(s1, f, c, d);
            ADD(s2, carry, e, f);
            RIPPLE(s3, carry);
            RIPPLE(s4, carry);
            RIPPLE(s5, carry);
            RIPPLE(s6, carry);
            s7 ^= carry;
        }
        for (int i = 0; i < own; i++)
            sums[i] += ((s0 >> i) & 1) | ((s1 >> i) & 1) << 1 | ((s2 >> i) & 1) << 2 | ((s3 >> i) & 1) << 3
                | ((s4 >> i) & 1) << 4 | ((s5 >> i) & 1) << 5 | ((s6 >> i) & 1) << 6 | ((s7 >> i) & 1) << 7;
    }
}

// The same by scattering (Gustavson 1978), for tiles that are mostly empty: one work group per line, which shares
// `width` sums in local memory. One increment for each cell that expresses both genes.
kernel void count_scatter(
    global const int* listStarts, global const int* cellOf,
    global const int* starts, global const int* counters, int width, global int* counts, local int* sums)
{
    int line = get_group_id(0);
    int item = get_local_id(0);
    int items = get_local_size(0);
    for (int k = item; k < width; k += items)
        sums[k] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int at = listStarts[line] + item; at < listStarts[line + 1]; at += items)
    {
        int cell = cellOf[at];
        for (int k = starts[cell]; k < starts[cell + 1]; k++)
            atomic_inc(sums + counters[k]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int k = item; k < width; k += items)
        counts[(size_t)line * width + k] = sums[k];
}
