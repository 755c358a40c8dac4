namespace CoExpr.IO

open System
open System.IO
open CoExpr

/// Scores of pairs of tiles as files.
[<RequireQualifiedAccess>]
module internal TileFiles =

    let name (struct (first, second)) = $"pairs-{first}-{second}.bin"

    let private writeKept (writer: HashingWriter) (kept: KeptPairs) =
        writer.Array kept.Starts
        writer.Array kept.Partners
        writer.Array kept.Scores
        writer.Array kept.Cells

    /// Rows of the first tile, columns of the second; of one tile with itself both halves.
    let private writeRectangle (writer: HashingWriter) (scores: PairScores) rows firstColumn =
        let columns = scores.Genes.Length - firstColumn

        let write (value: Partner -> 'a) =
            let line = Array.zeroCreate<'a> columns

            for row in 0 .. rows - 1 do
                for column in 0 .. columns - 1 do
                    match scores.TryPair(row, firstColumn + column) with
                    | ValueSome pair -> line[column] <- value pair
                    | ValueNone -> line[column] <- Unchecked.defaultof<'a>

                writer.Values(line.AsSpan())

        write (fun pair -> float pair.Score)
        write (fun pair -> pair.Cells)

    /// Writes the scores of two tiles, of `rows` genes in the first; `firstColumn` is where the second begins.
    let write path key (names: string[]) rows firstColumn store : Result<unit, CoExprError> =
        HashedFile.write path key (fun writer ->
            match store with
            | PairStore.Kept kept -> writeKept writer kept
            | _ -> writeRectangle writer (PairScores(names, store)) rows firstColumn)

    /// Pairs as they were kept.
    let readKept path : KeptPairs =
        HashedFile.read path (fun reader -> {
            Starts = reader.Array<int64>()
            Partners = reader.Array<int>()
            Scores = reader.Array<float>()
            Cells = reader.Array<int>()
            Information = [||]
        })

    /// A part of a rectangle of scores: from each of its `lines` from `line` on, `length` values from `at` on.
    let readRectangle path (rows, columns) (line, lines) (at, length) (scores: float[]) (cells: int[]) =
        use stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1)

        let reader = ValueReader stream

        let part (start: int64) size (target: 'a[]) =
            for i in 0 .. lines - 1 do
                stream.Position <- start + int64 size * (int64 (line + i) * int64 columns + int64 at)
                reader.Fill(target.AsSpan(i * length, length))

        let start = int64 HashedFile.headerBytes
        part start 8 scores
        part (start + 8L * int64 rows * int64 columns) 4 cells

/// Making one whole of the scores of all pairs of tiles, in memory that does not grow with their number.
[<RequireQualifiedAccess>]
module internal TileMerge =

    /// What is kept of all pairs, from what is kept of every pair of tiles; `fileOf` names their files. The order of the
    /// files does not matter.
    let kept (options: CoexpressionOptions) (names: string[]) (plan: TilePlan) (fileOf: struct (int * int) -> string) =
        let sink = PairSink.merge options.Keep options.Strength names

        for struct (first, second) as pair in plan.Pairs do
            let genes =
                if first = second then
                    plan.Tiles[first]
                else
                    Array.append plan.Tiles[first] plan.Tiles[second]

            TileScores.offer genes (TileFiles.readKept (fileOf pair)) sink

        sink.Finish()

    /// Some rows of tile `own`, from `row` on, against all genes.
    let private gatherRows (plan: TilePlan) fileOf own row count genes (scores: float[]) (cells: int[]) =
        let ownGenes = plan.Tiles[own].Length

        for other in 0 .. plan.Tiles.Length - 1 do
            let tile = plan.Tiles[other]

            let buffer, cellBuffer =
                Array.zeroCreate<float>(count * tile.Length), Array.zeroCreate<int>(count * tile.Length)

            // A tile that comes before lies across: its rows are this one's columns.
            let across = other < own

            if across then
                let shape = tile.Length, ownGenes

                TileFiles.readRectangle
                    (fileOf struct (other, own))
                    shape
                    (0, tile.Length)
                    (row, count)
                    buffer
                    cellBuffer
            else
                let shape = ownGenes, tile.Length

                TileFiles.readRectangle
                    (fileOf struct (own, other))
                    shape
                    (row, count)
                    (0, tile.Length)
                    buffer
                    cellBuffer

            for i in 0 .. count - 1 do
                for j in 0 .. tile.Length - 1 do
                    let from = if across then j * count + i else i * tile.Length + j
                    scores[i * genes + tile[j]] <- buffer[from]
                    cells[i * genes + tile[j]] <- cellBuffer[from]

    /// All pairs as one square in a file; at most `mostEntries` of it are in memory at once, and at least a row.
    let square (progress: Progress) (plan: TilePlan) fileOf genes (mostEntries: int) (target: SquareFile) =
        let most = max 1 (mostEntries / genes)
        let advance = Progress.counter progress "merging" "genes" (int64 genes)

        for own in 0 .. plan.Tiles.Length - 1 do
            let tile = plan.Tiles[own]

            for row in 0..most .. tile.Length - 1 do
                let count = min most (tile.Length - row)

                let scores, cells =
                    Array.zeroCreate<float>(count * genes), Array.zeroCreate<int>(count * genes)

                gatherRows plan fileOf own row count genes scores cells

                for i in 0 .. count - 1 do
                    target.Write(
                        tile[row + i],
                        ReadOnlySpan(scores, i * genes, genes),
                        ReadOnlySpan(cells, i * genes, genes)
                    )

                advance (int64 count)
