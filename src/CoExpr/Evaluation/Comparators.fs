namespace CoExpr

open System

/// The profile of a group of cells as cell-eval2 has it: of the summed counts S of the group b = ln(1 + 50,000 S / Σ S), one
/// value per gene, and how sure it is.
type Comparators = {
    /// One per group, in ordinal order.
    Labels: string[]
    Genes: int
    /// Groups x genes: b; 0 for a group without counts.
    Profiles: float[]
    /// Groups x genes: the variance of b over cells by leaving out one cell at a time,
    ///
    ///     (n − 1) / n Σ (v − v̄)²,
    ///
    /// v what b is without the cell (Efron & Stein 1981). NaN for a group of one cell.
    Variances: float[]
}

/// Profiles of sums of counts with their sampling noise.
[<RequireQualifiedAccess>]
module Comparators =

    /// What the counts of a group are brought to (cell-eval2).
    [<Literal>]
    let private Total = 5e4

    /// Room of one thread.
    type private Room(amounts: CellValues) =
        member val Genes = Array.zeroCreate<int> amounts.Most
        member val Read = Array.zeroCreate<float> amounts.Most
        member val Sums = Array.zeroCreate<float> amounts.Genes
        /// Of v − b over the cells: sums and sums of squares.
        member val Shifts = Array.zeroCreate<float> amounts.Genes
        member val Squares = Array.zeroCreate<float> amounts.Genes
        member val Cell = Array.zeroCreate<float> amounts.Genes

    let private value sum total =
        if total = 0.0 then
            0.0
        else
            Double.LogP1(Total * sum / total)

    let private addUp (amounts: CellValues) (room: Room) cells =
        Array.Clear room.Sums
        let mutable total = 0.0

        for cell in cells do
            for at in 0 .. amounts.Read cell room.Genes room.Read - 1 do
                let gene = room.Genes[at]
                room.Sums[gene] <- room.Sums[gene] + room.Read[at]
                total <- total + room.Read[at]

        total

    /// Takes in what b is without one cell.
    let private leaveOut (amounts: CellValues) (room: Room) total (profile: Span<float>) cell =
        Array.Clear room.Cell
        let mutable own = 0.0

        for at in 0 .. amounts.Read cell room.Genes room.Read - 1 do
            room.Cell[room.Genes[at]] <- room.Read[at]
            own <- own + room.Read[at]

        for gene in 0 .. profile.Length - 1 do
            let shift = value (room.Sums[gene] - room.Cell[gene]) (total - own) - profile[gene]
            room.Shifts[gene] <- room.Shifts[gene] + shift
            room.Squares[gene] <- room.Squares[gene] + shift * shift

    let private variances (amounts: CellValues) (room: Room) total (profile: Span<float>) cells (result: Span<float>) =
        Array.Clear room.Shifts
        Array.Clear room.Squares
        let count = float (Array.length cells)

        for cell in cells do
            leaveOut amounts room total profile cell

        for gene in 0 .. result.Length - 1 do
            let about = room.Squares[gene] - room.Shifts[gene] * room.Shifts[gene] / count

            result[gene] <-
                if count < 2.0 then
                    nan
                else
                    (count - 1.0) / count * max 0.0 about

    /// Profiles and variances of all groups, from counts (`ExpressionScale.amounts`). Same bits for any number of threads.
    let compute threads (groups: Groups) (amounts: CellValues) : Comparators =
        let count, genes = groups.Labels.Length, amounts.Genes

        let profiles, noise =
            Array.zeroCreate<float>(count * genes), Array.zeroCreate<float>(count * genes)

        Schedule.blocks threads count (fun () -> Room amounts) (fun room group ->
            let cells = Groups.members group groups
            let total = addUp amounts room cells
            let profile = profiles.AsSpan(group * genes, genes)

            for gene in 0 .. genes - 1 do
                profile[gene] <- value room.Sums[gene] total

            variances amounts room total profile cells (noise.AsSpan(group * genes, genes)))

        {
            Labels = groups.Labels
            Genes = genes
            Profiles = profiles
            Variances = noise
        }

    /// One group's part of `Profiles` or `Variances`.
    let row comparators (values: float[]) group =
        Array.sub values (group * comparators.Genes) comparators.Genes

    let indexOf comparators label =
        Array.IndexOf(comparators.Labels, label)
