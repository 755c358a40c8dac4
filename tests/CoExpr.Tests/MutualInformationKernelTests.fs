namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr.Kernels

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |])>]
module MutualInformationKernelTests =

    let private untouched = Int64.MinValue

    /// Scores one gene against a tile, in a block full of rubbish that begins at `firstRow` and `firstColumn`.
    let private scored (binned: BinnedGenes) convention row first last (firstRow, firstColumn) =
        let tile = ScatterHistogram(binned, first, last)
        let counts = Array.zeroCreate (int binned.Levels[row] * tile.Width)
        tile.Count(row, tile.StartsFrom(row, Array.zeroCreate binned.Cells), Span counts)
        let block = PairBlock()
        block.Reset(firstRow, row + 1, firstColumn, last)
        Array.fill block.Numerators 0 block.Numerators.Length untouched
        Array.fill block.Cells 0 block.Cells.Length -1

        MutualInformationKernel.Score(
            binned,
            EntropyTable.Create binned.Cells,
            convention,
            row,
            tile,
            ReadOnlySpan counts,
            block
        )

        block

    let private at (block: PairBlock) row column =
        (row - block.FirstRow) * block.Width + column - block.FirstColumn

    // Two genes in 2 of 4 cells each, never in the same: MI of M = 4 cells is 1 bit, so the numerator is 4 · 2^30.
    [<TestCase(CellsIn.EitherGene, 4294967296L, 4)>]
    // With one cell more that has neither, over all 5 cells: log2 5 − (4/5) log2 3 … from the reference, worked out below.
    [<TestCase(CellsIn.All, 0L, 5)>]
    let ``scores two genes that exclude each other`` (convention: CellsIn, numerator: int64, cells: int) =
        let genes = {
            Cells = 5
            Levels = [| [| 1uy; 1uy; 0uy; 0uy; 0uy |]; [| 0uy; 0uy; 1uy; 1uy; 0uy |] |]
            Highest = [| 1uy; 1uy |]
            Values = [||]
        }

        let block = scored (SmallGenes.binned genes) convention 0 1 2 (0, 1)
        Expect.equal cells block.Cells[0]

        if convention = CellsIn.EitherGene then
            Expect.equal numerator block.Numerators[0]
        else
            // Cells of the table: 2, 2, 1; rows 2, 3; columns 2, 3: 2 + 2 + 0 − 2(2 + 3 log2 3) + 5 log2 5.
            let expected = 5.0 * Math.Log2 5.0 - 6.0 * Math.Log2 3.0
            Assert.That(float block.Numerators[0] / float (1 <<< 30), Is.EqualTo(expected).Within 1e-8)

    [<Property>]
    let ``every pair is that of the definition, and nothing else is written`` (genes: SmallGenes) (a: byte) (b: byte) =
        let binned = SmallGenes.binned genes
        let first = int a % (genes.Count + 1)
        let last = first + int b % (genes.Count - first + 1)

        for convention in [ CellsIn.EitherGene; CellsIn.All ] do
            for row in 0 .. last - 1 do
                let block = scored binned convention row first last (max 0 (row - 1), first)

                for line in block.FirstRow .. row do
                    for column in first .. last - 1 do
                        let place = at block line column

                        let expected =
                            if line = row && column > row then
                                Oracle.numerator convention row column genes
                            else
                                untouched, -1

                        Expect.equal expected (block.Numerators[place], block.Cells[place])
