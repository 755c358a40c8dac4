// From joint histograms to M * MI * 2^30 of each pair by table look-up, in whole numbers: one work item per pair.
//
// The histogram holds n_ab for expressed levels a, b >= 1 alone. With r_a and c_b its row and column sums and K their
// total, the cells at level a that lack the other gene are n_a - r_a, those at b n_b - c_b, and either = n_A + n_B - K.
//
//     either gene:  M = either; row 0 sums to n_B - K, column 0 to n_A - K, the cell (0, 0) is dropped.
//     all cells:    M = N;      row 0 sums to N - n_A, column 0 to N - n_B, the cell (0, 0) holds N - either.
kernel void score(
    global const long* f, global const int* levelStarts, global const int* levelSizes, global const int* expressed,
    int firstRow, int rows, int firstColumn, int columns, int allCells, int countsAll,
    global const int* counts, int width,
    global long* numerators, global int* cells, global int* boths, global int* occupiedCells)
{
    int j = get_global_id(0);
    int i = get_global_id(1);
    int row = firstRow + i;
    int column = firstColumn + j;
    if (i >= rows || j >= columns || row >= column)
        return;

    int levelsA = levelStarts[row + 1] - levelStarts[row];
    int levelsB = levelStarts[column + 1] - levelStarts[column];
    global const int* sizesA = levelSizes + levelStarts[row];
    global const int* sizesB = levelSizes + levelStarts[column];
    global const int* joint = counts + (size_t)(levelStarts[row] - levelStarts[firstRow]) * width
        + (levelStarts[column] - levelStarts[firstColumn]);

    long sum = 0;
    int both = 0;
    int occupied = 0;
    for (int a = 0; a < levelsA; a++)
    {
        int rowSum = 0;
        for (int b = 0; b < levelsB; b++)
        {
            int n = joint[(size_t)a * width + b];
            sum += f[n];
            occupied += n > 0;
            rowSum += n;
        }
        sum += f[sizesA[a] - rowSum] - f[sizesA[a]];
        occupied += sizesA[a] > rowSum;
        both += rowSum;
    }
    for (int b = 0; b < levelsB; b++)
    {
        int columnSum = 0;
        for (int a = 0; a < levelsA; a++)
            columnSum += joint[(size_t)a * width + b];
        sum += f[sizesB[b] - columnSum] - f[sizesB[b]];
        occupied += sizesB[b] > columnSum;
    }

    int expressedA = expressed[row];
    int expressedB = expressed[column];
    int either = expressedA + expressedB - both;
    if (countsAll)
    {
        sum += f[allCells - either] + f[allCells] - f[allCells - expressedA] - f[allCells - expressedB];
        occupied += allCells > either;
    }
    else
        sum += f[either] - f[expressedA - both] - f[expressedB - both];

    size_t at = (size_t)i * columns + j;
    numerators[at] = sum;
    cells[at] = countsAll ? allCells : either;
    boths[at] = both;
    occupiedCells[at] = occupied;
}
