namespace CoExpr

open System
open CoExpr.Kernels

/// The non-zero entries of a matrix, line by line: line i owns the entries from Starts[i] to before Starts[i + 1],
/// with strictly increasing indices.
type Compressed = {
    Starts: int64[]
    Indices: int[]
    Values: float32[]
} with

    /// The number of lines.
    member this.Lines = this.Starts.Length - 1

    /// The number of entries of one line.
    member this.Length(line: int) =
        int (this.Starts[line + 1] - this.Starts[line])

    /// The indices of one line, in place.
    member this.IndicesOf(line: int) =
        this.Indices.AsSpan(int this.Starts[line], this.Length line)

    /// The values of one line, in place.
    member this.ValuesOf(line: int) =
        this.Values.AsSpan(int this.Starts[line], this.Length line)

[<RequireQualifiedAccess>]
module Compressed =

    /// Lines per block of work.
    let private blockLines = 1024

    let private isSorted (matrix: Compressed) line =
        let indices = matrix.IndicesOf line
        let mutable sorted = true

        for at in 1 .. indices.Length - 1 do
            if indices[at - 1] >= indices[at] then
                sorted <- false

        sorted

    /// Sorts a line in place, adds values that stand at the same index, and gives how many entries are left.
    let private sortLine (matrix: Compressed) line =
        let indices = matrix.IndicesOf line
        let values = matrix.ValuesOf line
        indices.Sort values
        let mutable kept = 0

        for at in 0 .. indices.Length - 1 do
            if kept > 0 && indices[kept - 1] = indices[at] then
                values[kept - 1] <- values[kept - 1] + values[at]
            else
                indices[kept] <- indices[at]
                values[kept] <- values[at]
                kept <- kept + 1

        kept

    let private packed (matrix: Compressed) (kept: int[]) =
        let starts = Array.zeroCreate<int64> matrix.Starts.Length

        for line in 0 .. matrix.Lines - 1 do
            let length = kept[line]
            Array.Copy(matrix.Indices, matrix.Starts[line], matrix.Indices, starts[line], int64 length)
            Array.Copy(matrix.Values, matrix.Starts[line], matrix.Values, starts[line], int64 length)
            starts[line + 1] <- starts[line] + int64 length

        let entries = int starts[matrix.Lines]

        {
            Starts = starts
            Indices = Array.sub matrix.Indices 0 entries
            Values = Array.sub matrix.Values 0 entries
        }

    /// The same matrix with every line strictly increasing: unsorted lines are sorted in place, and values at the same
    /// place added up, as scipy reads them.
    let canonical threads (matrix: Compressed) =
        let kept = Array.zeroCreate matrix.Lines

        Schedule.ranges threads blockLines matrix.Lines (fun first next ->
            for line in first .. next - 1 do
                kept[line] <-
                    if isSorted matrix line then
                        int (matrix.Starts[line + 1] - matrix.Starts[line])
                    else
                        sortLine matrix line)

        if Array.sumBy int64 kept = int64 matrix.Indices.Length then
            matrix
        else
            packed matrix kept

    /// Lines become indices and indices lines, of which there are `minor`. In parallel; every line comes out sorted.
    let transpose threads minor (matrix: Compressed) =
        let entries = matrix.Indices.Length
        let threads = max 1 (min threads (entries / 65536))

        let bounds =
            Array.init (threads + 1) (fun t -> int (int64 matrix.Lines * int64 t / int64 threads))

        let each work =
            Schedule.blocks threads threads ignore (fun () t -> work t bounds[t] bounds[t + 1])

        let counts = Array.init threads (fun _ -> Array.zeroCreate<int> minor)

        each (fun t first next ->
            let at, until = int matrix.Starts[first], int matrix.Starts[next]
            Transpose.Count(ReadOnlySpan(matrix.Indices, at, until - at), counts[t]))

        let starts = Array.zeroCreate<int64>(minor + 1)
        let places = Array.init threads (fun _ -> Array.zeroCreate<int64> minor)
        let mutable place = 0L

        for line in 0 .. minor - 1 do
            starts[line] <- place

            for t in 0 .. threads - 1 do
                places[t][line] <- place
                place <- place + int64 (counts[t][line])

        starts[minor] <- place

        let indices, values =
            Array.zeroCreate<int> entries, Array.zeroCreate<float32> entries

        each (fun t first next ->
            Transpose.Scatter(matrix.Starts, matrix.Indices, matrix.Values, first, next, places[t], indices, values))

        {
            Starts = starts
            Indices = indices
            Values = values
        }

    /// The lines of this order.
    let take (order: int[]) (matrix: Compressed) =
        let starts = Array.zeroCreate<int64>(order.Length + 1)

        order
        |> Array.iteri (fun i line -> starts[i + 1] <- starts[i] + matrix.Starts[line + 1] - matrix.Starts[line])

        let entries = int starts[order.Length]

        let indices, values =
            Array.zeroCreate<int> entries, Array.zeroCreate<float32> entries

        order
        |> Array.iteri (fun i line ->
            let length = starts[i + 1] - starts[i]
            Array.Copy(matrix.Indices, matrix.Starts[line], indices, starts[i], length)
            Array.Copy(matrix.Values, matrix.Starts[line], values, starts[i], length))

        {
            Starts = starts
            Indices = indices
            Values = values
        }

    /// The entries at some indices: `places` has the new number of every index, −1 for one that is left out. Those that stay
    /// keep their order. The matrix is not changed.
    let keep (places: int[]) (matrix: Compressed) =
        let starts = Array.zeroCreate<int64> matrix.Starts.Length
        let isKept index = places[index] >= 0

        for line in 0 .. matrix.Lines - 1 do
            let mutable length = 0L

            for index in matrix.IndicesOf line do
                if isKept index then
                    length <- length + 1L

            starts[line + 1] <- starts[line] + length

        let entries = int starts[matrix.Lines]

        let indices, values =
            Array.zeroCreate<int> entries, Array.zeroCreate<float32> entries

        let mutable at = 0

        for entry in 0 .. matrix.Indices.Length - 1 do
            if isKept matrix.Indices[entry] then
                indices[at] <- places[matrix.Indices[entry]]
                values[at] <- matrix.Values[entry]
                at <- at + 1

        {
            Starts = starts
            Indices = indices
            Values = values
        }

    let internal increases (order: int[]) =
        let mutable at = 1

        while at < order.Length && order[at - 1] < order[at] do
            at <- at + 1

        at >= order.Length

    /// Of each of so many indices its place in an order; −1 for one that is not there.
    let placesOf count (order: int[]) =
        let places = Array.create count -1
        order |> Array.iteri (fun place index -> places[index] <- place)
        places

/// A matrix of cells x genes of which most entries are 0. Values are as stored in the file, in single precision.
/// It is held by cell or by gene, as the file had it; the other view is made when first asked for.
[<Sealed>]
type SparseCounts
    private
    (cells: int, genes: int, byCell: Lazy<Compressed>, byGene: Lazy<Compressed>, given: Compressed, isByGene: bool) =

    let isCount (value: float32) =
        value >= 0.0f && value = MathF.Floor value && value < 16777216.0f

    let integer = lazy (given.Values |> Array.forall isCount)

    /// Lines are cells, indices genes.
    static member OfCells(cells: int, genes: int, matrix: Compressed) =
        SparseCounts.Check("cells", cells, genes, matrix)
        let canonical = Compressed.canonical Schedule.defaultThreads matrix
        let other = lazy (Compressed.transpose Schedule.defaultThreads genes canonical)
        SparseCounts(cells, genes, lazy canonical, other, canonical, false)

    /// Lines are genes, indices cells.
    static member OfGenes(cells: int, genes: int, matrix: Compressed) =
        SparseCounts.Check("genes", genes, cells, matrix)
        let canonical = Compressed.canonical Schedule.defaultThreads matrix
        let other = lazy (Compressed.transpose Schedule.defaultThreads cells canonical)
        SparseCounts(cells, genes, other, lazy canonical, canonical, true)

    static member private Check(what: string, lines: int, width: int, matrix: Compressed) =
        if matrix.Lines <> lines then
            invalidArg what $"{matrix.Lines} lines for {lines} {what}"

        if matrix.Indices.Length <> matrix.Values.Length then
            invalidArg what $"{matrix.Indices.Length} indices for {matrix.Values.Length} values"

        if matrix.Starts[0] <> 0L || matrix.Starts[lines] <> matrix.Values.LongLength then
            invalidArg
                what
                $"the starts go from {matrix.Starts[0]} to {matrix.Starts[lines]} for {matrix.Values.Length} values"

        for line in 0 .. lines - 1 do
            if matrix.Starts[line + 1] < matrix.Starts[line] then
                invalidArg
                    what
                    $"line {line} ends at {matrix.Starts[line + 1]}, before it starts at {matrix.Starts[line]}"

        for index in matrix.Indices do
            if uint32 index >= uint32 width then
                invalidArg what $"index {index} is not from 0 to {width - 1}"

    /// A dense matrix, row by row, one row per cell. NaN counts as an entry, so that it can be found later.
    static member OfDense(cells: int, genes: int, values: float32[]) =
        if values.LongLength <> int64 cells * int64 genes then
            invalidArg (nameof values) $"{values.Length} values for {cells} cells x {genes} genes"

        let starts = Array.zeroCreate<int64>(cells + 1)
        let entries = values |> Array.sumBy (fun value -> if value <> 0.0f then 1 else 0)
        let indices, kept = Array.zeroCreate<int> entries, Array.zeroCreate<float32> entries
        let mutable at = 0

        for cell in 0 .. cells - 1 do
            for gene in 0 .. genes - 1 do
                let value = values[cell * genes + gene]

                if value <> 0.0f then
                    indices[at] <- gene
                    kept[at] <- value
                    at <- at + 1

            starts[cell + 1] <- int64 at

        SparseCounts.OfCells(
            cells,
            genes,
            {
                Starts = starts
                Indices = indices
                Values = kept
            }
        )

    member _.Cells = cells
    member _.Genes = genes
    /// The number of stored entries.
    member _.Entries = given.Indices.LongLength
    /// Whether it was given by gene, so that ByCell is the view that is made when first asked for.
    member _.IsByGene = isByGene
    /// Lines are cells.
    member _.ByCell = byCell.Value
    /// Lines are genes.
    member _.ByGene = byGene.Value
    /// Whether every value is a whole number from 0 to 2^24, as counts are.
    member _.Integer = integer.Value

    /// The genes of this order.
    member this.TakeGenes(order: int[]) =
        SparseCounts.OfGenes(cells, order.Length, Compressed.take order this.ByGene)

    /// The cells of this order. Of a matrix that is held by gene most of the cells, in the order of the file, are taken by
    /// gene, too: no other view of the whole is made. For a few that view is worth while, since others may be asked for.
    member this.TakeCells(order: int[]) =
        if isByGene && 2 * order.Length >= cells && Compressed.increases order then
            SparseCounts.OfGenes(order.Length, genes, Compressed.keep (Compressed.placesOf cells order) this.ByGene)
        else
            SparseCounts.OfCells(order.Length, genes, Compressed.take order this.ByCell)
