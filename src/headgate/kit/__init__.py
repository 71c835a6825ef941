"""What plugins share: how vendors are asked, signed for, bounded and told of. No contract is here, see `ports`."""
