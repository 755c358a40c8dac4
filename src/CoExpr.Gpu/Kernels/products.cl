// Sums of products of values, in double precision. A product of two singles is exact there, and each sum is made by one
// work item in increasing order of cell, so it has the same bits as on the processor.
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#pragma OPENCL FP_CONTRACT OFF

// The tile's values cell after cell, zeros too: adding a product of 0 leaves a sum as it is.
kernel void fill_values(
    global const int* starts, global const int* geneOf, global const float* values, int cells, int columns,
    global float* dense)
{
    size_t cell = get_global_id(0);
    if (cell >= (size_t)cells)
        return;
    global float* row = dense + cell * columns;
    for (int column = 0; column < columns; column++)
        row[column] = 0.0f;
    for (int k = starts[cell]; k < starts[cell + 1]; k++)
        row[geneOf[k]] = values[k];
}

// One work item per pair.
kernel void sum_products(
    global const int* listStarts, global const int* cellOf, global const float* values,
    int firstRow, int rows, int firstColumn, int columns, global const float* dense, global double* products)
{
    int j = get_global_id(0);
    int i = get_global_id(1);
    if (i >= rows || j >= columns || firstRow + i >= firstColumn + j)
        return;
    double sum = 0.0;
    for (int at = listStarts[i]; at < listStarts[i + 1]; at++)
        sum += (double)values[at] * (double)dense[(size_t)cellOf[at] * columns + j];
    products[(size_t)i * columns + j] = sum;
}
