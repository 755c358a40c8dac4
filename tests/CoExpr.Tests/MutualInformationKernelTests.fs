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

    /// Two genes in two cells each, never in the same, and a cell with neither.
    let private apart = {
        Cells = 5
        Levels = [| [| 1uy; 1uy; 0uy; 0uy; 0uy |]; [| 0uy; 0uy; 1uy; 1uy; 0uy |] |]
        Highest = [| 1uy; 1uy |]
        Values = [||]
    }

    // Over the 4 cells of either gene they share 1 bit.
    [<Test>]
    let ``scores two genes that exclude each other, over the cells of either`` () =
        let block = scored (SmallGenes.binned apart) CellsIn.EitherGene 0 1 2 (0, 1)
        Expect.equal (4L <<< 30, 4) (block.Numerators[0], block.Cells[0])

    // The table has cells of 2, 2 and 1, rows of 2 and 3 and columns of 2 and 3:
    // (2 + 2 + 0) − 2 (2 + 3 log2 3) + 5 log2 5 = 5 log2 5 − 6 log2 3.
    [<Test>]
    let ``scores two genes that exclude each other, over all cells`` () =
        let block = scored (SmallGenes.binned apart) CellsIn.All 0 1 2 (0, 1)
        Expect.equal 5 block.Cells[0]
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
